//go:build !linux

package enginelib

import "os/exec"

func runOwned(cmd *exec.Cmd) error { return cmd.Run() }
