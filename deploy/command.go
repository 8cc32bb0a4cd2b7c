package deploy

import (
	"context"

	"rbee/deploy/remote"
	"rbee/internal/fault"
)

// byCommand is a node that a program of this machine leads to.
func (n *Nodes) byCommand(name string, argv []string) Way {
	return Way{Name: name, From: "config", Argv: argv, Dial: func(context.Context) (remote.Conn, error) {
		return nil, fault.New(fault.HiveStartFailed, "node %s is reached by a command, which is not possible yet", name)
	}}
}
