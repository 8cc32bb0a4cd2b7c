// Command llm-worker-rbee runs one model in one process with llama.cpp. It is started by a hive and lives as long
// as its link to it.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"rbee/actors/worker"
	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/engine/llamacpp"
	"rbee/internal/version"
	"rbee/messages"
)

const program = "llm-worker-rbee"

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "--version":
		fmt.Println(version.String(program))
	case len(os.Args) == 2 && os.Args[1] == "detect":
		os.Exit(detect())
	default:
		os.Exit(worker.Run(program, open))
	}
}

func open(*messages.WorkerConfig) (engine.Engine, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := enginelib.Find(os.Getenv, exe)
	if err != nil {
		return nil, err
	}
	return llamacpp.Open(llamacpp.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
}
