package main

import (
	"context"
	"os"
	"time"

	"rbee/deploy"
	"rbee/deploy/sshconn"
	"rbee/internal/api"
	"rbee/internal/config"
)

// sshNodes are the Hosts of the SSH configuration: each is a node. One that cannot be read is reported when a node is
// reached; a list goes without it.
func sshNodes() []otherNode {
	names, err := sshconn.Hosts()
	if err != nil {
		return nil
	}
	var nodes []otherNode
	for _, name := range names {
		if t, _, err := sshconn.ResolveSSH(name, sshconn.ResolveOptions{}); err == nil {
			nodes = append(nodes, otherNode{Name: name, Target: t.String(), From: "ssh config"})
		}
	}
	return nodes
}

// reachable says whether --node would take a name that is in no list.
func reachable(name string) bool {
	if deploy.IsLocal(name) {
		return true
	}
	t, known, err := sshconn.ResolveSSH(name, sshconn.ResolveOptions{})
	return err == nil && (known || t.Host != name) // a bare name that nobody wrote down is more likely a typing error
}

// statesTime is what a daemon has to say how its nodes are: a list does not wait for one that hangs.
const statesTime = 500 * time.Millisecond

// states asks the running daemon, if there is one.
func states(ctx context.Context) map[string]nodeState {
	socket, err := config.New(os.Getenv).Socket("")
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statesTime)
	defer cancel()
	client := api.DialUnix(socket.Path)
	defer client.CloseIdleConnections()
	nodes, err := api.NewClient(client).Nodes(ctx)
	if err != nil {
		return nil
	}
	all := map[string]nodeState{}
	for _, n := range nodes {
		all[n.Name] = nodeState{State: n.State}
	}
	return all
}
