// Package deploy knows how to start rbee on a node: how a node's name is resolved, and what it takes to get a
// hive running there.
//
// For now there is one node, this machine. Nodes reached over SSH resolve to another supervisor.Spawner here.
package deploy

import (
	"os"
	"strings"

	"rbee/internal/fault"
	"rbee/supervisor"
)

// Localhost is this machine's name as a node.
const Localhost = "localhost"

// Resolve returns a node's canonical name and the way to start programs on it. name is what the user gave:
// "localhost", 127.0.0.1, ::1 and this machine's own hostname are all this machine, without asking any DNS; ""
// and "any" are the only node there is. Anything else is NODE_UNKNOWN.
func Resolve(name string) (string, supervisor.Spawner, error) {
	if IsLocal(name) || name == "" || name == "any" {
		return Localhost, supervisor.Local{}, nil
	}
	return "", nil, fault.New(fault.NodeUnknown, "node %.100q is not known", name).
		WithHint("known nodes: %s", Localhost).With("node", name).With("known", []string{Localhost})
}

// IsLocal says whether a node's name means this machine.
func IsLocal(name string) bool {
	switch strings.ToLower(name) {
	case Localhost, "127.0.0.1", "::1", "[::1]":
		return true
	}
	host, err := os.Hostname()
	return err == nil && name != "" && strings.EqualFold(name, host)
}
