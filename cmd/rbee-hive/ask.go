package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/proc"
	"rbee/supervisor"
)

const (
	// detectTime bounds one look for devices: a GPU's driver takes a second or two to come up.
	detectTime = 20 * time.Second
	// maxSaid bounds what a worker's program may answer.
	maxSaid = 1 << 20
)

// detected is what `llm-worker-... detect` says of one set of libraries, the one in RBEE_ENGINE_DIR.
type detected struct {
	Engine  string            `json:"engine,omitempty"`
	Release string            `json:"release,omitempty"`
	Devices []engine.Device   `json:"devices"`
	Lacking map[string]string `json:"lacking,omitempty"`
	Error   *fault.Error      `json:"error,omitempty"`
}

// askDevices asks a worker's program for the devices of one set; "" = the one that it finds by itself.
func askDevices(ctx context.Context, program, dir string) (d detected, err error) {
	var env []string
	if dir != "" {
		env = append(env, "RBEE_ENGINE_DIR="+dir)
	}
	cause, err := ask(ctx, program, "detect", detectTime, env, &d)
	switch {
	case err != nil:
		return detected{}, err
	case d.Error != nil:
		return detected{}, d.Error
	case len(d.Devices) == 0 || d.Devices[0].Backend != "cpu":
		return detected{}, fault.New(fault.EngineUnavailable, "%s detect named no devices: %s", filepath.Base(program), cmp.Or(cause, "no cause"))
	}
	return d, nil
}

// ask runs a worker's program with one word and reads the JSON that it prints. cause is how it ended.
func ask(ctx context.Context, program, word string, limit time.Duration, env []string, into any) (cause string, err error) {
	path, err := supervisor.Beside(program)
	if err != nil {
		return "", err
	}
	p, err := proc.Start(proc.Command{Path: path, Args: []string{word}, Env: env, OwnerDeath: syscall.SIGKILL})
	if err != nil {
		return "", fault.Wrap(fault.EngineUnavailable, err, "cannot ask %s: %v", program, err)
	}
	defer p.Release()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer context.AfterFunc(ctx, func() { p.Signal(syscall.SIGKILL) })()
	go func() {
		_, _ = io.Copy(os.Stderr, p.Stderr()) // what it says belongs into the log
		p.Stderr().Close()
	}()
	said, err := io.ReadAll(io.LimitReader(p.Stream(), maxSaid))
	<-p.Exited()
	cause = p.Cause()
	switch {
	case ctx.Err() != nil:
		return cause, fault.New(fault.EngineUnavailable, "%s %s did not end in %v", program, word, limit)
	case err == nil:
		err = json.Unmarshal(said, into)
	}
	if err != nil {
		return cause, fault.New(fault.EngineUnavailable, "%s %s gave no answer: %s", program, word, cmp.Or(cause, "no cause"))
	}
	return cause, nil
}
