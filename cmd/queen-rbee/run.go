package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"rbee/internal/config"
	"rbee/internal/proc"
	"rbee/supervisor"
)

// ownRun gives this process a run id of its own in its environment, where anybody can see it from outside: by
// starting itself again in place, since the environment a process shows is the one it was started with.
func ownRun() (string, error) {
	self := proc.Self().String()
	if os.Getenv(proc.EnvRoot) == self && os.Getenv(proc.EnvLife) == address {
		return os.Getenv(proc.EnvRun), nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	env := map[string]string{proc.EnvRun: supervisor.NewRun(), proc.EnvLife: address, proc.EnvRoot: self}
	for k, v := range env {
		if err := os.Setenv(k, v); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("cannot start %s again: %w", exe, syscall.Exec(exe, os.Args, os.Environ()))
}

// socketPath is where to listen, and whether the user named it. A queen that is to be found by nobody gets a socket of
// its own.
func socketPath(env config.Env, o options) (path string, named bool, err error) {
	s, err := env.Socket(o.socket)
	if err == nil && o.ephemeral && o.socket == "" {
		s.Path = filepath.Join(filepath.Dir(s.Path), "queen-"+strconv.Itoa(os.Getpid())+".sock")
	}
	return s.Path, s.Named, err
}
