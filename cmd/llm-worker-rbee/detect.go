package main

import (
	"encoding/json"
	"os"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/nativecrash"
)

// detected is what `llm-worker-rbee detect` prints: what models can be loaded on here, as the engine itself reports
// it, or why nothing can.
type detected struct {
	Engine  string          `json:"engine,omitempty"`
	Release string          `json:"release,omitempty"`
	Devices []engine.Device `json:"devices"`
	// Lacking says of each backend whose libraries are there, and list no device, why they do not.
	Lacking map[string]string `json:"lacking,omitempty"`
	Error   *fault.Error      `json:"error,omitempty"`
}

// detect prints one line of JSON and returns 1 if there is an error in it.
func detect() int {
	_ = nativecrash.Keep() // a driver that crashes is named by its signal
	d := detected{Devices: []engine.Device{}}
	e, err := load("")
	if err == nil {
		d.Engine, d.Release = e.Name(), e.Release()
		d.Lacking = e.Lacking()
		d.Devices, err = e.Devices()
	}
	if err != nil {
		d.Error = fault.From(err)
	}
	if json.NewEncoder(os.Stdout).Encode(d) != nil || d.Error != nil {
		return 1
	}
	return 0
}
