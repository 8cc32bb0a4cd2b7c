package deploy

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalName is the name that SSH (RFC 4254, 6.10) and kill(1) use: "KILL".
func signalName(s syscall.Signal) string { return strings.TrimPrefix(unix.SignalName(s), "SIG") }
