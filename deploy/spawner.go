package deploy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"rbee/deploy/remote"
	"rbee/internal/fault"
	"rbee/internal/proc"
	"rbee/internal/transport"
	"rbee/supervisor"
)

// Spawner starts hives on one node that is not this machine. It implements supervisor.Spawner.
type Spawner struct {
	Node string // as people call it
	// Dial opens a way to the node.
	Dial func(context.Context) (remote.Conn, error)
	// Programs puts rbee's programs there.
	Programs Programs
}

// Programs knows where the hive's program is on a node, and puts it there.
type Programs interface {
	// Guess is where it should be if it was installed before; "" if nothing is known.
	Guess() string
	// Missing says whether a command that ended like this, with those last words, was not there at all.
	Missing(exit remote.Exit, words string) bool
	// Install makes sure that it is there, undamaged, and returns where, and whether anything had to be sent. A way that is silent for the lease while something is
	// sent is lost; 0 is a long one.
	Install(ctx context.Context, c remote.Conn, lease time.Duration, say func(text string, progress float64)) (path string, sent bool, err error)
}

// Start implements supervisor.Spawner. It is optimistic: it starts the program where it should be, and only when that
// fails because it is not there does it look at the node and install it. So the second visit costs one command.
func (s *Spawner) Start(ctx context.Context, c supervisor.Command) (supervisor.Process, error) {
	say := c.Say
	if say == nil {
		say = func(string, float64) {}
	}
	guess := make(chan string, 1)
	go func() { guess <- s.Programs.Guess() }() // what is to be sent may have to be packed first
	conn, err := s.Dial(ctx)
	if err != nil {
		return nil, err
	}
	var failed *notThere
	path := <-guess
	if path != "" {
		p, err := s.try(ctx, conn, path, c)
		if err == nil {
			return p, nil
		}
		if failed = asNotThere(err); failed == nil {
			if p := s.mend(ctx, conn, c, say, err); p != nil {
				return p, nil
			}
			conn.Close()
			return nil, err
		}
	}
	if path, _, err = s.Programs.Install(ctx, conn, c.Lease, say); err == nil {
		var p *process
		if p, err = s.try(ctx, conn, path, c); err == nil {
			return p, nil
		}
	}
	conn.Close()
	if failed = asNotThere(err); failed != nil {
		return nil, fault.New(fault.HiveStartFailed, "%s was installed on %s, but does not start: %s", c.Program, s.Node, failed.how).
			With("node", s.Node).With("path", path).WithHint("rbee node check %s looks at the node step by step", s.Node)
	}
	return nil, err
}

// mend sees whether a program that was there, and ended before its first word, is damaged, and if so starts it anew.
// It returns nil if that was not it: then the first error is the one to tell.
func (s *Spawner) mend(ctx context.Context, conn remote.Conn, c supervisor.Command, say func(string, float64), cause error) *process {
	if !errors.Is(cause, errEndedEarly) {
		return nil
	}
	path, sent, err := s.Programs.Install(ctx, conn, c.Lease, say)
	if err != nil || !sent {
		return nil
	}
	p, err := s.try(ctx, conn, path, c)
	if err != nil {
		return nil
	}
	return p
}

// errEndedEarly is in the chain of the error of a program that ended by itself before its first word.
var errEndedEarly = errors.New("it ended before it had said anything")

// notThere is the end of a command that could not be found or executed.
type notThere struct{ how string }

func (e *notThere) Error() string { return e.how }

func asNotThere(err error) *notThere {
	e, _ := err.(*notThere)
	return e
}

// words is the command line of a program on the node. Each word is safe for every shell, or it is refused before
// anything is sent.
func words(path string, c supervisor.Command) []string {
	w := []string{"env"}
	for _, kv := range c.Env {
		// The root of the run is a process of this machine: over there its pid is somebody else's.
		if !strings.HasPrefix(kv, proc.EnvRoot+"=") {
			w = append(w, kv)
		}
	}
	if name := map[syscall.Signal]string{syscall.SIGCONT: "CONT", syscall.SIGKILL: "KILL"}[c.Death]; name != "" {
		w = append(w, proc.EnvDeath+"="+name)
	}
	return append(append(w, path), c.Args...)
}

// try starts the program and returns when it has said its first word of our protocol.
func (s *Spawner) try(ctx context.Context, conn remote.Conn, path string, c supervisor.Command) (*process, error) {
	session, err := conn.Start(ctx, words(path, c))
	if err != nil {
		return nil, s.failed(c, "", err)
	}
	p := newProcess(s, conn, session, path, c)
	go func() { _, _ = session.Write(c.First) }()

	heard := make(chan error, 1)
	go func() { heard <- p.stream.listen() }()
	noise := "" // of a login shell that does not run commands it may be the only explanation
	silence := time.NewTimer(c.Silence)
	defer silence.Stop()
	select {
	case err = <-heard:
		if err == nil {
			return p, nil
		}
		noise = string(p.stream.early)
	case <-silence.C:
		err = fmt.Errorf("it said nothing for %v", c.Silence)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return nil, p.abandon(ctx, err, noise)
}

// abandonTime is how long a program that is given up has to end by itself.
const abandonTime = 2 * time.Second

// abandon ends a program that did not come up, and says why it did not.
func (p *process) abandon(ctx context.Context, cause error, noise string) error {
	p.stream.Close()
	select {
	case <-p.session.Done():
	case <-time.After(abandonTime):
		p.Signal(syscall.SIGKILL)
		select {
		case <-p.Exited():
		case <-time.After(p.ProofTime()):
		}
	}
	if ctx.Err() != nil {
		p.freeSession()
		return fault.New(fault.Cancelled, "the start of a hive on %s was cancelled", p.spawner.Node).With("node", p.spawner.Node)
	}
	said := p.stderr.tail()
	exit := remote.Exit{}
	select {
	case <-p.session.Done():
		exit = p.session.Exit()
	default:
	}
	p.freeSession()
	if exit.Known && p.spawner.Programs.Missing(exit, said) {
		return &notThere{how: exit.String() + lastLine(said)}
	}
	if exit.Known && errors.Is(cause, io.EOF) { // by itself, and not because it was given up
		cause = early{exit}
	}
	return p.spawner.failed(p.command, cmp.Or(said, noise), cause)
}

// early is an exit status as the cause of a failed start.
type early struct{ remote.Exit }

func (e early) Error() string     { return e.String() }
func (e early) Is(err error) bool { return err == errEndedEarly }

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if last := proc.Clean(lines[len(lines)-1]); last != "" {
		return ": " + last
	}
	return ""
}

// failed is the error of a hive that did not come up. A fault of the way there is passed on as it is.
func (s *Spawner) failed(c supervisor.Command, said string, cause error) error {
	if fault.CodeOf(cause) != "" {
		return cause
	}
	f := fault.Wrap(fault.HiveStartFailed, cause, "%s did not start on %s: %v%s", c.Program, s.Node, cause, lastLine(said)).
		With("node", s.Node).WithHint("rbee node check %s looks at the node step by step", s.Node)
	if said != "" {
		_ = f.With("stderr", strings.Split(proc.Clean(said), "\n"))
	}
	return f
}

// stream is the program's stdin and stdout. Its Close is gentle: it ends the program's stdin, which tells it to go,
// and leaves its exit status a way to come back. What that does not reach, process.Release ends.
type stream struct {
	session remote.Session
	early   []byte // read while listening for the first word
	closed  chan struct{}
	once    func()
}

// listen returns nil when the program has begun to speak our protocol; what it reads is kept for Read. A login
// script may print before that.
func (s *stream) listen() error {
	b := make([]byte, 4096)
	for !bytes.Contains(s.early, []byte(transport.Magic)) {
		if len(s.early) > transport.MaxNoise {
			return fmt.Errorf("%w: %d bytes without it", transport.ErrNoHandshake, len(s.early))
		}
		n, err := s.session.Read(b)
		s.early = append(s.early, b[:n]...)
		if err != nil && n == 0 {
			return fmt.Errorf("%w: %w after %d bytes", transport.ErrNoHandshake, err, len(s.early))
		}
	}
	return nil
}

func (s *stream) Read(b []byte) (int, error) {
	if len(s.early) > 0 {
		n := copy(b, s.early)
		s.early = s.early[n:]
		return n, nil
	}
	return s.session.Read(b)
}

func (s *stream) Write(b []byte) (int, error) {
	select {
	case <-s.closed:
		return 0, io.ErrClosedPipe
	default:
		return s.session.Write(b)
	}
}

// Close does not block: over a dead line the end of stdin would wait for a window that never opens.
func (s *stream) Close() error { s.once(); return nil }
