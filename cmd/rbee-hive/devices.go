package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"rbee/actors/hive"
	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/fit/here"
)

// probeAgain is how long a set that found nothing is not asked again: a driver may be repaired while the hive lives.
const probeAgain = 30 * time.Second

// machine knows what workers can run on here: over all sets of the engine's libraries that are installed, and over all
// kinds of workers. A set with libraries for a GPU is loaded in a process of its own before it counts: its driver may
// hang or crash, and that then is one line of text.
type machine struct {
	kinds *kinds
	local bool // the queen's own machine
	sets  func() []enginelib.Set

	mu     sync.Mutex
	probed map[string]*probe // by program and folder
}

// probe is what a program said of one set.
type probe struct {
	once sync.Once
	at   time.Time
	said detected
	err  error
}

func newMachine(local bool) *machine {
	return &machine{local: local, kinds: &kinds{}, probed: map[string]*probe{}, sets: func() []enginelib.Set {
		exe, err := os.Executable()
		if err != nil {
			return nil
		}
		return enginelib.Installed(os.Getenv, exe)
	}}
}

// devices lists what workers of that kind can run on, the CPU first. If it is only the CPU that is wanted, or nothing
// else is possible, no process is started.
func (m *machine) devices(ctx context.Context, worker, backend string) ([]engine.Device, error) {
	k, err := m.kinds.find(ctx, worker)
	if err != nil {
		return nil, err
	}
	if !k.usual() {
		p := m.probe(ctx, k.Program, "")
		return p.said.Devices, p.err
	}
	all := []engine.Device{{ID: "cpu:0", Backend: "cpu", TotalBytes: here.TotalMemory()}}
	if backend == "cpu" {
		return all, nil
	}
	for _, p := range m.gpus(ctx) {
		for i, d := range p.said.Devices {
			if i == 0 && all[0].Description == "" {
				all[0] = d // the same processor, with its name
			} else if !hasDevice(all, d.ID) {
				all = append(all, d)
			}
		}
	}
	return all, nil
}

func hasDevice(all []engine.Device, id string) bool {
	return slices.ContainsFunc(all, func(d engine.Device) bool { return d.ID == id })
}

// gpus asks all sets that have a library for a GPU, all at once.
func (m *machine) gpus(ctx context.Context) []*probe {
	var all []*probe
	var wg sync.WaitGroup
	for _, s := range m.sets() {
		if len(enginelib.GPUs(s.Dir)) == 0 {
			continue
		}
		i := len(all)
		all = append(all, nil)
		wg.Go(func() { all[i] = m.probe(ctx, usualProgram, s.Dir) })
	}
	wg.Wait()
	return all
}

// probe asks once, whoever wants to know meanwhile.
func (m *machine) probe(ctx context.Context, program, dir string) *probe {
	key := program + "\x00" + dir
	m.mu.Lock()
	p := m.probed[key]
	if p == nil || !p.at.IsZero() && p.nothing() && time.Since(p.at) > probeAgain {
		p = &probe{}
		m.probed[key] = p
	}
	m.mu.Unlock()
	p.once.Do(func() {
		said, err := askDevices(context.WithoutCancel(ctx), program, dir)
		m.mu.Lock()
		defer m.mu.Unlock()
		p.said, p.err, p.at = said, err, time.Now()
	})
	return p
}

func (p *probe) nothing() bool {
	return !slices.ContainsFunc(p.said.Devices, func(d engine.Device) bool { return d.Backend != "cpu" })
}

// lacking says why backends are not among the devices, as far as is known after devices: all those that there is a
// build of the engine for somewhere.
func (m *machine) lacking() map[string]hive.Lack {
	all := map[string]hive.Lack{}
	for _, t := range enginelib.Targets() {
		if t.GPU == "" {
			continue
		}
		if _, ok := enginelib.TargetWith(runtime.GOOS, runtime.GOARCH, t.GPU); ok {
			all[t.GPU] = hive.Lack{Cause: "its libraries are not installed there", Hint: m.install(t.GPU)}
		} else if _, known := all[t.GPU]; !known {
			all[t.GPU] = hive.Lack{Cause: fmt.Sprintf("there is no build of llama.cpp %s for it on %s/%s", enginelib.Release, runtime.GOOS, runtime.GOARCH)}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sets() {
		p := m.probed[usualProgram+"\x00"+s.Dir]
		if p == nil || p.at.IsZero() {
			continue
		}
		for backend := range enginelib.GPUs(s.Dir) {
			switch why := p.said.Lacking[backend]; {
			case p.err != nil:
				all[backend] = hive.Lack{Cause: "its libraries are installed, and cannot be used: " + p.err.Error(), Hint: enginelib.Wants(backend), Installed: true}
			case why != "":
				all[backend] = hive.Lack{Cause: why, Hint: enginelib.Wants(backend), Installed: true}
			}
		}
	}
	return all
}

// install is how this node gets the libraries for a backend: on another machine than the queen's they come with what the
// queen sends.
func (m *machine) install(backend string) string {
	if m.local {
		return enginelib.InstallHint(backend)
	}
	return fmt.Sprintf("have them sent: devices = [%q] for that node in the configuration, and, where rbee itself is, rbee engine install --backend %s", backend, backend)
}

// engine is the program and the set that a worker of that kind needs for a device. Its errors are what a worker would
// lack.
func (m *machine) engine(worker, device string) (program, dir string, err error) {
	k, err := m.kinds.find(context.Background(), worker)
	if err != nil || !k.usual() {
		return k.Program, "", err
	}
	exe, err := os.Executable()
	if err != nil {
		return "", "", err
	}
	dir, err = enginelib.Find(os.Getenv, exe)
	if err != nil {
		return "", "", err
	}
	backend, _, _ := strings.Cut(device, ":")
	for _, s := range m.sets() {
		if _, ok := enginelib.GPUs(s.Dir)[backend]; ok {
			return usualProgram, s.Dir, nil
		}
	}
	return usualProgram, dir, nil
}
