// Package deploy knows how to start rbee on a node: how a node's name is resolved, and what it takes to get a
// hive running there.
package deploy

import (
	"os"
	"strings"

	"rbee/supervisor"
)

// Localhost is this machine's name as a node.
const Localhost = "localhost"

// Node is a machine where a hive can run.
type Node struct {
	Name      string
	Local     bool     // this machine
	ModelsDir string   // of the configuration; "" = the node's own rule
	Devices   []string // of the configuration: the only ones that workers may use; none = all
	Weight    float64  // of the configuration; 0 = 1
	Spawner   supervisor.Spawner
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
