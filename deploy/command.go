package deploy

import (
	"context"

	"rbee/deploy/argvconn"
	"rbee/deploy/remote"
)

// byCommand is a node that a program of this machine leads to.
func (n *Nodes) byCommand(name string, argv []string) Way {
	return Way{Name: name, From: "config", Argv: argv, Dial: func(context.Context) (remote.Conn, error) {
		c, err := argvconn.New(name, argv)
		if err != nil {
			return nil, err // not a nil *Conn in the interface
		}
		return c, nil
	}}
}
