package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
	"rbee/internal/fit/here"
	"rbee/internal/proc"
	"rbee/supervisor"
)

// detectTime bounds one look for devices: a GPU's driver takes a second or two to come up.
const detectTime = 20 * time.Second

// deviceList asks the worker's program for the devices of this machine, once: only it knows the engine.
type deviceList struct {
	mu      sync.Mutex
	devices []engine.Device
}

// list returns the devices, the CPU first.
func (l *deviceList) list(ctx context.Context) ([]engine.Device, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.devices != nil {
		return l.devices, nil
	}
	if onlyCPU() {
		l.devices = []engine.Device{{ID: "cpu:0", Backend: "cpu", TotalBytes: here.TotalMemory()}}
		return l.devices, nil
	}
	found, err := ask(ctx)
	if err == nil {
		l.devices = found // a failure is not remembered
	}
	return found, err
}

// onlyCPU says whether the engine that workers will load has no library for a GPU: then there is nothing to ask for,
// and no process to wait for.
func onlyCPU() bool {
	exe, err := os.Executable()
	if err != nil {
		return false
	}
	dir, err := enginelib.Find(os.Getenv, exe)
	if err != nil {
		return true // no worker will start; which says why
	}
	files, err := os.ReadDir(dir)
	for _, f := range files {
		name, ok := strings.CutPrefix(f.Name(), "libggml-")
		if ok && !strings.HasPrefix(name, "cpu") && !strings.HasPrefix(name, "base") {
			return false
		}
	}
	return err == nil
}

// ask runs `llm-worker-rbee detect`.
func ask(ctx context.Context) ([]engine.Device, error) {
	path, err := supervisor.Beside("llm-worker-rbee")
	if err != nil {
		return nil, err
	}
	p, err := proc.Start(proc.Command{Path: path, Args: []string{"detect"}, OwnerDeath: syscall.SIGKILL})
	if err != nil {
		return nil, fault.Wrap(fault.EngineUnavailable, err, "cannot ask for the devices: %v", err)
	}
	defer p.Release()
	ctx, cancel := context.WithTimeout(ctx, detectTime)
	defer cancel()
	defer context.AfterFunc(ctx, func() { p.Signal(syscall.SIGKILL) })()
	go func() {
		_, _ = io.Copy(os.Stderr, p.Stderr()) // what it says belongs into the log
		p.Stderr().Close()
	}()
	said, err := io.ReadAll(io.LimitReader(p.Stream(), 1<<20))
	<-p.Exited()
	var d struct {
		Devices []engine.Device `json:"devices"`
		Error   *fault.Error    `json:"error"`
	}
	switch {
	case ctx.Err() != nil:
		return nil, fault.New(fault.EngineUnavailable, "%s detect did not end in %v", filepath.Base(path), detectTime)
	case err == nil:
		err = json.Unmarshal(said, &d)
	}
	switch {
	case err == nil && d.Error != nil:
		return nil, d.Error
	case err != nil || len(d.Devices) == 0 || d.Devices[0].Backend != "cpu":
		return nil, fault.New(fault.EngineUnavailable, "%s detect named no devices: %s", filepath.Base(path), cmp.Or(p.Cause(), "no cause"))
	}
	return d.Devices, nil
}
