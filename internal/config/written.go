package config

import (
	"fmt"
	"strconv"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/near"
)

// written is the node as a table, without a newline at its end. What is at its default is left out.
func (n Node) written(name, nl string) string {
	lines := []string{"[nodes." + written(name) + "]"}
	add := func(key, value string, set bool) {
		if set {
			lines = append(lines, key+" = "+value)
		}
	}
	add("host", quoted(n.Host), n.Host != "")
	add("port", strconv.Itoa(n.Port), n.Port != 0)
	add("user", quoted(n.User), n.User != "")
	if len(n.Identity) == 1 {
		add("identity", quoted(n.Identity[0]), true)
	} else {
		add("identity", quotedList(n.Identity), n.Identity != nil)
	}
	add("jump", quoted(n.Jump), n.Jump != "")
	add("command", quotedList(n.Command), n.Command != nil)
	add("models_dir", quoted(n.ModelsDir), n.ModelsDir != "")
	add("cache_dir", quoted(n.CacheDir), n.CacheDir != "")
	add("devices", quotedList(n.Devices), n.Devices != nil)
	add("weight", strconv.FormatFloat(n.Weight, 'f', -1, 64), n.Weight != 1)
	return strings.Join(lines, nl)
}

// normal is the node as Parse would return it.
func (n Node) normal() Node {
	if n.Weight == 0 {
		n.Weight = 1
	}
	for _, list := range []*[]string{&n.Identity, &n.Command, &n.Devices} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return n
}

func quotedList(list []string) string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = quoted(s)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// Target is where the node is, for people: [user@]host[:port], or the command.
func (n Node) Target(name string) string {
	if n.Command != nil {
		return strings.Join(n.Command, " ")
	}
	host := n.Host
	if host == "" {
		host = name
	}
	return Target{n.User, host, n.Port}.String()
}

func place(path string, line int) string { return fmt.Sprintf("%s:%d", path, line) }

// UnknownNode is the error for a name that is not in the file; it names the one that was meant, or those there are.
func (f *File) UnknownNode(name string) error {
	known := f.NodeNames()
	e := fault.New(fault.NodeUnknown, "node %s is not in %s", shown(name), f.Path).With("node", name).With("nodes", known)
	switch meant := near.Word(name, known...); {
	case meant != "":
		return e.WithHint("did you mean %s? rbee node ls lists all nodes", meant)
	case len(known) == 0:
		return e.WithHint("no nodes are there; rbee node add NAME HOST adds one")
	}
	return e.WithHint("the nodes there are %s", shortened(strings.Join(known, ", "), 300))
}
