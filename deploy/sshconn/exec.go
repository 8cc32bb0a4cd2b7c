package sshconn

import (
	"io"
	"strings"
	"time"

	"rbee/internal/proc"
)

// matchExecLimit is how long a "Match exec" of the user's configuration may take; ssh itself would wait for ever.
const matchExecLimit = 10 * time.Second

// runMatchExec runs the command of a "Match exec" line, as ssh does while it reads that line.
func runMatchExec(command string) (bool, error) {
	p, err := proc.Start(proc.Command{Path: "/bin/sh", Args: []string{"-c", command}, OwnerDeath: killSignal})
	if err != nil {
		return false, err
	}
	defer p.Release()
	go io.Copy(io.Discard, p.Stream())
	go func() { io.Copy(io.Discard, p.Stderr()); p.Stderr().Close() }()
	limit := time.NewTimer(matchExecLimit)
	defer limit.Stop()
	select {
	case <-p.Exited():
	case <-limit.C:
		p.Signal(killSignal)
		<-p.Exited()
	}
	return strings.TrimSpace(p.Cause()) == "exit status 0", nil
}
