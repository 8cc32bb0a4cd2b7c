// Command llm-worker-echo is a second kind of worker, in a module of its own: what a binding to another engine would
// be, with the tests' engine in its place.
package main

import (
	"encoding/json"
	"os"

	"rbee/actors/worker"
	"rbee/internal/engine"
	"rbee/internal/engine/enginetest"
	"rbee/internal/version"
	"rbee/internal/workerkind"
	"rbee/messages"
)

func main() {
	say := func(v any) { _ = json.NewEncoder(os.Stdout).Encode(v) }
	e := enginetest.New(enginetest.Script{})
	switch {
	case len(os.Args) == 1:
		os.Exit(worker.Run("llm-worker-echo", func(*messages.WorkerConfig) (engine.Engine, error) { return e, nil }))
	case os.Args[1] == "kind":
		say(workerkind.Kind{Name: "echo", Version: version.Build(), Engine: e.Name() + " " + e.Release(), Backends: []string{"cpu"}})
	case os.Args[1] == "detect":
		devices, _ := e.Devices()
		say(map[string]any{"engine": e.Name(), "release": e.Release(), "devices": devices})
	}
}
