package testkit

import "fmt"

// Listener is a socket on which a process takes connections or datagrams from others.
type Listener struct {
	PID     int
	Network string // tcp, tcp6, udp, udp6, unix
	Address string // as in "127.0.0.1:8080"; the path of a unix socket, with @ for an abstract one
}

func (l Listener) String() string { return fmt.Sprintf("pid %d: %s %s", l.PID, l.Network, l.Address) }
