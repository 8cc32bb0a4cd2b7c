package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/near"
	"rbee/internal/proc"
	"rbee/internal/ui"
	"rbee/internal/version"
	"rbee/supervisor"
)

// startTime is what a daemon has to come up. It starts nothing else before it serves.
const startTime = 30 * time.Second

func newServiceStart(at func() (*service, error)) *cobra.Command {
	c := &cobra.Command{
		Use:   "start [-- FLAG...]",
		Short: "Start a daemon that runs on, and wait until it serves",
		Long: `start starts a daemon in a session of its own: it has no owner, outlives this terminal, and runs until rbee queen
stop. What stands behind -- are flags of queen-rbee daemon (queen-rbee --help lists them). If one serves the socket
already, that is said and nothing is started.`,
		Example: `  rbee queen start
  rbee queen start -- --listen 0.0.0.0:8500 --tls-cert cert.pem --tls-key key.pem
  rbee queen start -- --keep-alive 1h --idle-timeout 8h`,
		DisableFlagsInUseLine: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 && c.ArgsLenAtDash() != 0 {
				return usagef("%s takes no arguments, but got %q", c.CommandPath(), args[0]).hint("flags of the daemon go behind --")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			s, err := at()
			if err != nil {
				return err
			}
			return s.start(c.Context(), args)
		},
	}
	c.SetFlagErrorFunc(daemonFlagError)
	return c
}

// daemonFlagError is flagError for a command that passes what stands behind -- on to the daemon.
func daemonFlagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" && near.Flag(c.Flags(), err) == "" {
		name := unknown.GetSpecifiedName()
		return usagef("there is no flag --%s", name).hint("flags of the daemon go behind --: %s -- --%s; queen-rbee --help lists them", c.CommandPath(), name)
	}
	return flagError(c, err)
}

func (s *service) start(ctx context.Context, flags []string) error {
	switch there, err := s.look(ctx); {
	case err != nil:
		return err
	case there != nil:
		return s.already(there, flags)
	}
	if err := s.cfg.pass(); err != nil { // --config
		return err
	}
	path, err := supervisor.Beside("queen-rbee")
	if err != nil {
		return err
	}
	dir, err := s.logFolder()
	if err != nil {
		return err
	}
	// Its log is a file of its run; here is only what it says before there is one, and a panic. The file is this start's
	// own until it is known to be the one that counts: several may start at once.
	out, err := os.CreateTemp(dir, ".queen-start-*")
	if err != nil {
		return fault.Wrap(fault.QueenStartFailed, err, "cannot write to %s: %v", dir, root(err)).WithHint("set XDG_STATE_HOME to a folder that you may write to")
	}
	defer out.Close()
	defer os.Remove(out.Name()) // unless it was renamed
	args := append([]string{"daemon", "--socket", s.path, "--log", "file"}, flags...)
	d, err := proc.Detach(path, args, withoutRun(os.Environ()), out)
	if err != nil {
		return fault.Wrap(fault.QueenStartFailed, err, "%v", err)
	}
	status, err := s.comesUp(ctx, d)
	if err != nil {
		return err
	}
	if status == nil { // it has ended
		if there := s.faster(ctx); there != nil {
			return s.already(there, flags)
		}
		return s.failed(d.Cause(), out)
	}
	_ = os.Rename(out.Name(), filepath.Join(dir, "queen-start.log"))
	_, err = fmt.Fprintf(s.t.stdout, "queen-rbee started, pid %d, socket %s%s\n", status.PID, s.path, onTCP(status))
	return err
}

// comesUp waits until the daemon takes work; nil if it ended before that. One that does neither is ended.
func (s *service) comesUp(ctx context.Context, d *proc.Detached) (*api.Status, error) {
	late := time.After(startTime)
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		select {
		case <-d.Exited():
			return nil, nil
		case <-late:
			_ = d.Signal(syscall.SIGKILL)
			return nil, fault.New(fault.QueenStartFailed, "queen-rbee (pid %d) did not serve within %v", d.PID, startTime).WithHint("it was ended; try again on a machine that is less busy")
		case <-ctx.Done():
			_ = d.Signal(syscall.SIGKILL)
			return nil, ctx.Err()
		case <-time.After(wait):
		}
		if s.client.Ready(ctx) != nil {
			continue
		}
		if status, err := s.look(ctx); err == nil && status != nil && status.PID == d.PID {
			return status, nil
		}
	}
}

// faster is the daemon that somebody else started at the same time: it has the lock, and may not serve yet. nil if
// nobody did.
func (s *service) faster(ctx context.Context) *api.Status {
	misses := 0 // the lock is taken a moment before it says whose it is
	for late := time.Now().Add(startTime); time.Now().Before(late) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if there, err := s.look(ctx); err == nil && there != nil {
			return there
		}
		if _, held := s.holder(); held {
			misses = 0
		} else if misses++; misses == 5 {
			return nil
		}
	}
	return nil
}

// already is for a daemon that serves: of this build, that is what was wanted.
func (s *service) already(there *api.Status, flags []string) error {
	if there.Version.Version != version.Build() {
		return fault.New(fault.VersionMismatch, "the queen at %s is %s, this rbee is %s", s.path, there.Version.Version, version.Build()).
			WithHint("rbee queen restart replaces it").With("queen", there.Version.Version).With("rbee", version.Build())
	}
	if _, err := fmt.Fprintf(s.t.stdout, "queen-rbee runs already, pid %d, socket %s%s\n", there.PID, s.path, onTCP(there)); err != nil {
		return err
	}
	if len(flags) > 0 { // which it may not have been started with
		s.t.narrator(false).Keeper("warn", "the flags behind -- do not count for it: rbee queen restart -- %s starts it anew", strings.Join(flags, " "))
	}
	return nil
}

// failed says why a daemon did not start, in its own words.
func (s *service) failed(cause string, out *os.File) error {
	const most = 4096
	size, _ := out.Seek(0, io.SeekEnd)
	b := make([]byte, most)
	n, err := out.ReadAt(b, max(size-most, 0))
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	text := strings.TrimSpace(ui.Terminal(string(b[:n])))
	f := fault.New(fault.QueenStartFailed, "queen-rbee did not start (%s)", cause)
	if text != "" {
		f.Message += ":\n" + text
	}
	return f.WithHint("set that right, or run queen-rbee daemon in the foreground to see more")
}

// withoutRun is an environment without what marks the processes of a run: the daemon's is its own.
func withoutRun(env []string) (out []string) {
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case proc.EnvRun, proc.EnvLife, proc.EnvRoot, proc.EnvDeath, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID":
			continue
		}
		out = append(out, kv)
	}
	return out
}

func onTCP(q *api.Status) string {
	if len(q.Listen) == 0 {
		return ""
	}
	return ", " + strings.Join(q.Listen, ", ")
}
