package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"rbee/internal/api"
	"rbee/internal/config"
	"rbee/internal/fault"
	"rbee/internal/version"
)

// daemonAnswer is what a daemon has to say which one it is. It is asked before each request, and answers from
// memory: one that takes longer hangs.
const daemonAnswer = 1500 * time.Millisecond

// daemon is a queen that somebody else started. It is used and left running.
type daemon struct {
	client  *http.Client
	version api.Version
}

// findDaemon returns the daemon that listens at s, or nil if nobody listens there.
func findDaemon(ctx context.Context, s config.Socket) (*daemon, error) {
	if config.CheckSocketPath(s.Path) != nil {
		return nil, nil // a default path that no daemon can have
	}
	conn, err := net.DialTimeout("unix", s.Path, daemonAnswer)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return nil, nil // no socket, or the socket of one that died
	case err != nil:
		return nil, fault.Wrap(fault.SocketInUse, err, "cannot connect to %s: %v", s.Path, root(err)).
			WithHint("see who owns it, or name another socket with --socket")
	}
	conn.Close()

	d := &daemon{client: api.DialUnix(s.Path)}
	ctx, stop := context.WithTimeout(ctx, daemonAnswer)
	defer stop()
	var refused *fault.Error
	d.version, err = api.NewClient(d.client).Version(ctx)
	switch {
	case errors.As(err, &refused):
		return nil, refused
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.Wrap(fault.QueenLost, err, "the queen at %s does not answer (waited %v)", s.Path, daemonAnswer).
			WithHint("it may be stopped or hang: end it and start it again, or name another socket with --socket")
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		return nil, fault.Wrap(fault.SocketInUse, err, "what listens at %s is not a queen of rbee: %v", s.Path, root(err)).
			WithHint("name another socket with --socket or RBEE_SOCKET")
	case d.version.Version != version.Build():
		return nil, fault.New(fault.VersionMismatch, "the queen at %s is %s, this rbee is %s", s.Path, d.version.Version, version.Build()).
			WithHint("stop that daemon (pid %d) and start it again from this build, or use the rbee it came with", d.version.PID).
			With("queen", d.version.Version).With("rbee", version.Build())
	}
	return d, nil
}

// namedDaemon is findDaemon for a queen that the user named: nobody there is an error.
func namedDaemon(ctx context.Context, name string) (*daemon, error) {
	if strings.Contains(name, "://") {
		return nil, usagef("--queen is %q, allowed is the path of a unix socket", name).
			hint("a queen is reached through its socket; queens on other machines are not supported yet")
	}
	path := strings.TrimPrefix(name, "unix:")
	if err := config.CheckSocketPath(path); err != nil {
		return nil, err
	}
	d, err := findDaemon(ctx, config.Socket{Path: path, Named: true})
	if err == nil && d == nil {
		return nil, fault.New(fault.QueenLost, "no queen listens at %s", path).
			WithHint("start one with queen-rbee daemon --socket %s, or leave out --queen (RBEE_QUEEN) to run without a daemon", path)
	}
	return d, err
}

func (d *daemon) Client() *http.Client { return d.client }

func (d *daemon) Stop(context.Context, time.Duration, string) api.Receipt { return d.Kill() }

func (d *daemon) Kill() api.Receipt {
	d.client.CloseIdleConnections()
	return api.NothingStarted()
}

// Gone is nil: a daemon is nobody's child here. Its death ends the stream.
func (d *daemon) Gone() <-chan struct{} { return nil }
func (d *daemon) Err() error            { return nil }

// root is the innermost error: the layers of net and net/http repeat the path and the URL.
func root(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
