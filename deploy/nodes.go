package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rbee/deploy/install"
	"rbee/deploy/remote"
	"rbee/deploy/sshconn"
	"rbee/internal/config"
	"rbee/internal/fault"
	"rbee/internal/near"
	"rbee/supervisor"
)

// Nodes knows what the names of nodes mean.
type Nodes struct {
	// Config reads the user's configuration; nil: there is none.
	Config     func() (*config.File, error)
	Getenv     func(string) string
	Executable string // this program, beside which what is sent to bare nodes is found
	// SSH is how to connect.
	SSH sshconn.Options
	// SSHConfig replaces ~/.ssh/config and its like; "" = those.
	SSHConfig string
}

// Any means all configured nodes.
const Any = "any"

// maxNodes bounds one request's list.
const maxNodes = 64

// Resolve returns the nodes that spec means: one name, several with commas, or "any" for all that are configured.
// "" is the default. It reads files, and asks no network: whether a machine answers is found out when it is reached.
// Errors are NODE_UNKNOWN with the known nodes, and whatever is wrong with a configuration.
func (n *Nodes) Resolve(spec string) ([]Node, error) {
	file, err := n.file()
	if err != nil {
		return nil, err
	}
	if spec == "" {
		spec = file.DefaultNode
	}
	names := strings.Split(spec, ",")
	if spec == Any {
		names = file.NodeNames()
	}
	if spec == "" || len(names) == 0 {
		names = []string{Localhost}
	}
	if len(names) > maxNodes {
		return nil, fault.New(fault.InvalidRequest, "%d nodes are named, allowed are %d", len(names), maxNodes)
	}
	var nodes []Node
	seen := map[string]bool{}
	for _, name := range names {
		name = strings.TrimSpace(name)
		node, err := n.one(file, name)
		if err != nil {
			if len(names) == 1 || name == "" {
				return nil, err
			}
			node = Node{Name: name, Spawner: unusable{err}} // it does not hold up the others
		}
		if !seen[node.Name] {
			seen[node.Name] = true
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

func (n *Nodes) file() (*config.File, error) {
	if n.Config == nil {
		return &config.File{}, nil
	}
	return n.Config()
}

func (n *Nodes) one(file *config.File, name string) (Node, error) {
	if IsLocal(name) {
		return Node{Name: Localhost, Local: true, Spawner: supervisor.Local{}}, nil
	}
	entry := file.Nodes[name]
	way, err := n.way(file, name)
	if err != nil {
		return Node{}, err
	}
	return Node{Name: name, ModelsDir: entry.ModelsDir, Devices: entry.Devices, Weight: entry.Weight, Spawner: &Spawner{Node: name, Dial: way.Dial,
		Programs: programs{install.Options{Node: name, CacheDir: entry.CacheDir, Device: engineDevice(entry), Getenv: n.Getenv, Executable: n.Executable}}}}, nil
}

// engineDevice is the backend whose libraries are sent to a node: that of the first GPU that its configuration lets
// workers use. Without one it is the plain engine, whatever is in the machine: a bundle for a GPU is large, and which
// the node has is not known before one is there.
func engineDevice(entry config.Node) string {
	for _, d := range entry.Devices {
		if backend, _, _ := strings.Cut(d, ":"); backend != "cpu" {
			return backend
		}
	}
	return ""
}

// unusable is a node of a list that cannot even be tried.
type unusable struct{ err error }

// Start implements supervisor.Spawner.
func (u unusable) Start(context.Context, supervisor.Command) (supervisor.Process, error) {
	return nil, u.err
}

// Way is how one node is reached.
type Way struct {
	Name   string
	From   string          // where that is written: "config", "ssh config", or "" = nowhere, it was spelled out
	Target *sshconn.Target // nil for a command
	Argv   []string        // the command
	Dial   func(context.Context) (remote.Conn, error)
}

// Way returns how a node that is not this machine is reached.
func (n *Nodes) Way(name string) (Way, error) {
	file, err := n.file()
	if err != nil {
		return Way{}, err
	}
	return n.way(file, name)
}

func (n *Nodes) way(file *config.File, name string) (Way, error) {
	entry, configured := file.Nodes[name]
	if len(entry.Command) > 0 {
		return n.byCommand(name, entry.Command), nil
	}
	o := sshconn.ResolveOptions{ConfigFile: n.SSHConfig}
	if configured {
		o.Host, o.Port, o.User, o.Identity, o.Jump = entry.Host, entry.Port, entry.User, entry.Identity, entry.Jump
		if o.Host == "" {
			o.Host = name
		}
	}
	target, known, err := sshconn.ResolveSSH(name, o)
	if err != nil {
		return Way{}, n.knowing(file, err)
	}
	w := Way{Name: name, Target: &target}
	switch {
	case configured:
		w.From = "config"
	case known:
		w.From = "ssh config"
	}
	w.Dial = func(ctx context.Context) (remote.Conn, error) {
		c, err := sshconn.Dial(ctx, target, n.SSH)
		if err != nil {
			return nil, n.knowing(file, err)
		}
		return c, nil
	}
	return w, nil
}

// knowing adds the nodes that are known to an error about one that is not.
func (n *Nodes) knowing(file *config.File, err error) error {
	if fault.CodeOf(err) != fault.NodeUnknown {
		return err
	}
	f := fault.From(err)
	known := append([]string{Localhost}, file.NodeNames()...)
	if hosts, err := sshconn.Hosts(); err == nil {
		for _, h := range hosts {
			if !slices.Contains(known, h) {
				known = append(known, h)
			}
		}
	}
	_ = f.With("known", known)
	hint := "known nodes: " + strings.Join(known[:min(len(known), maxKnown)], ", ")
	if name, _ := f.Details["node"].(string); name != "" {
		if meant := near.Word(name, known...); meant != "" {
			hint = "did you mean " + meant + "? " + hint
		}
	}
	if f.Hint != "" {
		hint = f.Hint + "; " + hint
	}
	return f.WithHint("%s", hint)
}

// maxKnown is how many names a hint lists.
const maxKnown = 20

// programs puts rbee's programs on a node by sending a bundle.
type programs struct{ install.Options }

// Guess implements Programs. A bundle that is not there is Install's to report.
func (p programs) Guess() string {
	path, _, err := install.Guess(p.Options)
	if err != nil {
		return ""
	}
	return path
}

// Missing implements Programs. What is there for another processor, or may not be executed there, is not there.
func (p programs) Missing(exit remote.Exit, words string) bool {
	return install.Classify(exit, words) != install.Failed
}

// Install implements Programs.
func (p programs) Install(ctx context.Context, c remote.Conn, lease time.Duration, say func(string, float64)) (path string, sent bool, err error) {
	o := p.Options
	o.Lease = lease
	o.Progress = func(e install.Event) {
		switch e.Phase {
		case install.Probing:
			say("looking at "+p.Node, 0)
		case install.Packing, install.Placed:
		case install.Sending:
			sent = true
			// Its beginning has no progress: that is a line of its own, also where no bar can be drawn.
			say(fmt.Sprintf("sending rbee to %s (%.1f MB)", p.Node, float64(e.Total)/1e6), float64(e.Sent)/float64(max(e.Total, 1)))
		}
	}
	path, _, err = install.Ensure(ctx, c, o)
	return path, sent, err
}
