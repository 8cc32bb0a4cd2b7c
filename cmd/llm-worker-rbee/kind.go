package main

import (
	"encoding/json"
	"os"
	"slices"

	"rbee/internal/engine/enginelib"
	"rbee/internal/version"
	"rbee/internal/workerkind"
)

// kind prints what this worker is, for the catalogue of its hive. Its backends are those whose libraries are installed:
// whether they find a device is for detect to say.
func kind() int {
	k := workerkind.Kind{Name: workerkind.Usual, Version: version.Build(), Engine: workerkind.Usual + " " + enginelib.Release, Backends: []string{"cpu"}}
	if exe, err := os.Executable(); err == nil {
		for _, s := range enginelib.Installed(os.Getenv, exe) {
			for backend := range enginelib.GPUs(s.Dir) {
				if !slices.Contains(k.Backends, backend) {
					k.Backends = append(k.Backends, backend)
				}
			}
		}
	}
	if json.NewEncoder(os.Stdout).Encode(k) != nil {
		return 1
	}
	return 0
}
