package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"

	"rbee/deploy"
	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
)

// detect asks each set in a process of its own and prints one line of JSON; the exit code is 1 if there is an error in
// it. A set that cannot be used is an error only if there is no other.
func detect() int {
	ctx, m := context.Background(), newMachine(true)
	r := deploy.Detected{Devices: []engine.Device{}, Sets: []deploy.EngineSet{}, Workers: listKinds(ctx)}
	sets := m.sets()
	if len(sets) == 0 {
		sets = []enginelib.Set{{}} // the worker says what is missing
	}
	for _, s := range sets {
		d, err := askDevices(ctx, usualProgram, s.Dir)
		if s.Dir != "" {
			set := deploy.EngineSet{Backend: s.Backend(), Folder: s.Dir, Error: d.Lacking[s.Backend()]}
			if err != nil {
				set.Error = fault.From(err).Message
			}
			r.Sets = append(r.Sets, set)
		}
		if err != nil {
			r.Error = cmp.Or(r.Error, fault.From(err))
			continue
		}
		r.Engine, r.Release = d.Engine, d.Release
		for _, dev := range d.Devices {
			if !hasDevice(r.Devices, dev.ID) {
				r.Devices = append(r.Devices, dev)
			}
		}
	}
	if len(r.Devices) > 0 {
		r.Error = nil
	}
	if json.NewEncoder(os.Stdout).Encode(r) != nil || r.Error != nil {
		return 1
	}
	return 0
}
