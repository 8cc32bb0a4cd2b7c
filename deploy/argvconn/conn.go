// Package argvconn makes a node of any program that gives stdio: `docker exec -i box`, `kubectl exec -i pod --`,
// `wsl`, or `ssh mac` itself.
//
// A command on the node is a process here: the program, its own arguments, and the command's words behind them. No
// shell is in between. The process has a group of its own, which is killed when the session or the connection is
// closed, and by the kernel when this process dies; what runs on the far side then sees the end of its stdin.
package argvconn

import (
	"context"
	"os/exec"
	"slices"
	"sync"
	"syscall"

	"rbee/deploy/remote"
	"rbee/internal/fault"
	"rbee/internal/proc"
)

// Conn is the way to a node by a program. There is nothing to connect: each command starts the program anew.
type Conn struct {
	name string
	path string   // of the program
	args []string // before the command's words

	mu       sync.Mutex
	sessions map[*session]struct{} // not closed; nil once the connection is
	lost     chan struct{}
}

var _ remote.Conn = (*Conn)(nil)

// New makes a way to the node called name, for people, by argv: the program, looked up in PATH, and its arguments.
func New(name string, argv []string) (*Conn, error) {
	if len(argv) == 0 || argv[0] == "" {
		return nil, fault.New(fault.InvalidRequest, "the command of node %.100q is empty", name).
			WithHint(`write command = ["docker", "exec", "-i", "box"], or any program that gives stdin and stdout`)
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, fault.Wrap(fault.SSHUnreachable, err, "node %.100q is reached by a program that is not there: %.200v", name, err).
			WithHint("install %s, or correct the node's command", argv[0]).With("node", name)
	}
	return &Conn{name: name, path: path, args: slices.Clone(argv[1:]), sessions: map[*session]struct{}{}, lost: make(chan struct{})}, nil
}

// Start runs a command. That the program started says nothing yet of the far side: its stderr and exit status do.
func (c *Conn) Start(ctx context.Context, words []string) (remote.Session, error) {
	if err := remote.CheckWords(words); err != nil {
		return nil, fault.Wrap(fault.InvalidRequest, err, "refused to run a command on %s: %v", c.name, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions == nil {
		return nil, fault.New(fault.NodeLost, "the connection to %s was closed", c.name)
	}
	p, err := proc.Start(proc.Command{Path: c.path, Args: slices.Concat(c.args, words), OwnerDeath: syscall.SIGKILL})
	if err != nil {
		return nil, fault.Wrap(fault.SSHUnreachable, err, "cannot run the command of node %s: %v", c.name, err)
	}
	s := newSession(p, c.forget)
	c.sessions[s] = struct{}{}
	return s, nil
}

func (c *Conn) forget(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s)
}

// Lost is closed by Close only: whether the far side can be reached is known to each command alone.
func (c *Conn) Lost() <-chan struct{} { return c.lost }

// Close ends every command with its process group.
func (c *Conn) Close() error {
	c.mu.Lock()
	open := c.sessions
	if c.sessions = nil; open != nil {
		close(c.lost)
	}
	c.mu.Unlock()
	for s := range open {
		s.Close()
	}
	return nil
}

// String names the node and the program. Its arguments may be nobody's business.
func (c *Conn) String() string { return c.name + " (" + c.path + ")" }
