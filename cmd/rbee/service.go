package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/config"
	"rbee/internal/fault"
	"rbee/internal/proc"
)

func newService(t *terminal, cfg *settings) *cobra.Command {
	var socket string
	group := &cobra.Command{
		Use:   "queen",
		Short: "Start, stop and look at the daemon that serves many clients",
		Long: `A daemon keeps hives and workers up for the next request, of this command line and of every client of OpenAI's API.
rbee queen starts one that runs on its own (queen-rbee daemon runs one in the foreground), and ends it with everything
below it.`,
		Example: `  rbee queen start
  rbee queen status
  rbee queen stop`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		},
	}
	group.PersistentFlags().StringVar(&socket, "socket", "", "path of its unix socket (default: $RBEE_SOCKET, else in $XDG_RUNTIME_DIR or the state folder)")
	at := func() (*service, error) {
		s, err := cfg.env.Socket(socket)
		if err != nil && s.Named {
			return nil, usageError{fault.From(err)}
		}
		if err != nil {
			return nil, err
		}
		return &service{t: t, cfg: cfg, path: s.Path, client: api.NewClient(api.DialUnix(s.Path))}, nil
	}
	group.AddCommand(newServiceStart(at), newServiceStop(at), newServiceStatus(at), newServiceRestart(at))
	return group
}

// service is the daemon of one socket, running or not.
type service struct {
	t      *terminal
	cfg    *settings
	path   string
	client *api.Client
}

// notRunning is systemctl's exit code for it.
const notRunning = 3

// look returns how the daemon is; nil if none serves the socket.
func (s *service) look(ctx context.Context) (*api.Status, error) {
	ctx, stop := context.WithTimeout(ctx, daemonAnswer)
	defer stop()
	status, err := s.client.Status(ctx)
	var other *api.NotAQueenError
	var refused *fault.Error
	var op *net.OpError
	switch {
	case err == nil:
		return &status, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return nil, nil // no socket, or the socket of one that died
	case errors.As(err, &refused), errors.As(err, &other): // a queen that has no such route, or something else
		v, err := s.client.Version(ctx)
		if err != nil {
			return nil, fault.Wrap(fault.SocketInUse, err, "what listens at %s is not a queen of rbee: %v", s.path, root(err)).WithHint("name another socket with --socket")
		}
		return &api.Status{Version: v, State: "unknown", Socket: s.path}, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.Wrap(fault.QueenLost, err, "the queen at %s does not answer (waited %v)", s.path, daemonAnswer).
			WithHint("it may be stopped or hang: rbee queen stop --kill ends it")
	case errors.As(err, &op):
		return nil, fault.Wrap(fault.SocketInUse, err, "cannot connect to %s: %v", s.path, root(err)).WithHint("see who owns it, or name another socket with --socket")
	}
	return nil, fault.Wrap(fault.SocketInUse, err, "what listens at %s is not a queen of rbee: %v", s.path, root(err)).WithHint("name another socket with --socket")
}

// holder is the process that serves the socket: what it wrote into its lock. A pid that somebody else has got since is
// never believed, because the identity has the start time too. (The lock itself is not tried: that would be in the way
// of a daemon that starts at this moment.)
func (s *service) holder() (proc.Identity, bool) {
	b, err := os.ReadFile(s.path + ".lock")
	if err != nil {
		return proc.Identity{}, false
	}
	id, err := proc.ParseIdentity(string(b))
	return id, err == nil && id.Start != 0 && id.Alive()
}

// logFolder is where a daemon that is started here says why it cannot start.
func (s *service) logFolder() (string, error) {
	dir, err := s.cfg.env.StateDir()
	if err != nil {
		return "", err
	}
	return dir, config.PrivateDir(dir)
}
