package main

import (
	"context"

	"github.com/spf13/cobra"

	"rbee/internal/config"
	"rbee/internal/fault"
)

// runningQueen is how a command that needs a running queen names it.
type runningQueen struct {
	t             *terminal
	cfg           *settings
	queen, socket string
}

func newRunningQueen(t *terminal, cfg *settings, c *cobra.Command) *runningQueen {
	s := &runningQueen{t: t, cfg: cfg}
	c.Flags().StringVar(&s.queen, "queen", "", "ask the queen at this socket, and no other (default: $RBEE_QUEEN)")
	c.Flags().StringVar(&s.socket, "socket", "", "where to look for a daemon (default: $RBEE_SOCKET, $XDG_RUNTIME_DIR/rbee/queen.sock)")
	return s
}

// look returns the running daemon, or nil if there is none and nobody named one.
func (s *runningQueen) look(ctx context.Context) (*daemon, config.Socket, error) {
	name := s.queen
	if name == "" {
		name = s.t.getenv("RBEE_QUEEN")
	}
	if name != "" {
		d, err := namedDaemon(ctx, name)
		return d, config.Socket{Path: name, Named: true}, err
	}
	socket, err := s.cfg.env.Socket(s.socket)
	if err != nil {
		if socket.Named {
			err = usageError{fault.From(err)}
		}
		return nil, socket, err
	}
	d, err := findDaemon(ctx, socket)
	return d, socket, err
}

// find is look for a command that can do nothing without a daemon.
func (s *runningQueen) find(ctx context.Context) (*daemon, error) {
	d, socket, err := s.look(ctx)
	if err == nil && d == nil {
		return nil, fault.New(fault.QueenLost, "no queen is running: nobody listens at %s", socket.Path).
			WithHint("start one with rbee queen start, or with queen-rbee daemon; rbee infer needs none")
	}
	return d, err
}
