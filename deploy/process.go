package deploy

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"rbee/deploy/remote"
	"rbee/internal/proc"
	"rbee/supervisor"
)

// proofTime is how long it may take to learn that a process on another machine is dead: over a line that is dead
// itself it takes a second connection.
const proofTime = 3 * time.Second

// process is a hive on another machine. It implements supervisor.Process.
//
// Its end is proven by its exit status, or, when the way to the node broke before that came, by a second command on
// the node (over a second connection if need be) that ends everything at or below its life and finds nothing left.
type process struct {
	spawner *Spawner
	command supervisor.Command
	path    string
	conn    remote.Conn
	session remote.Session
	stream  *stream
	stderr  *pump

	exited chan struct{}
	proven func(cause string) // closes exited, once
	cause  string             // before exited

	mu     sync.Mutex
	ending *ending // the latest attempt to end it from outside
}

// ending is one attempt to end what is at or below the life, from outside.
type ending struct {
	done chan struct{}
	left []proc.Found // after done
	err  error
}

func newProcess(s *Spawner, conn remote.Conn, session remote.Session, path string, c supervisor.Command) *process {
	closed := make(chan struct{})
	p := &process{spawner: s, command: c, path: path, conn: conn, session: session, stderr: newPump(session.Stderr()), exited: make(chan struct{}),
		stream: &stream{session: session, closed: closed, once: sync.OnceFunc(func() {
			close(closed)
			go func() { _ = session.CloseWrite() }()
		})}}
	var once sync.Once
	p.proven = func(cause string) {
		once.Do(func() {
			p.cause = cause
			close(p.exited)
		})
	}
	go func() {
		<-session.Done()
		if e := session.Exit(); e.Known {
			p.proven(causeOf(e))
		}
	}()
	return p
}

// causeOf says it in the words of a local process.
func causeOf(e remote.Exit) string {
	for sig := syscall.Signal(1); e.Signal != "" && sig < 32; sig++ {
		if signalName(sig) == e.Signal {
			return "signal: " + sig.String()
		}
	}
	return e.String()
}

func (p *process) Stream() io.ReadWriteCloser { return p.stream }
func (p *process) Stderr() io.Reader          { return p.stderr }
func (p *process) Exited() <-chan struct{}    { return p.exited }
func (p *process) ProofTime() time.Duration   { return proofTime }
func (p *process) Tidy()                      {} // its hive swept before it went

// Where knows the host only by the name it was reached under.
func (p *process) Where() (string, int) { return p.spawner.Node, 0 }

func (p *process) Cause() string {
	select {
	case <-p.exited:
		return p.cause
	default:
		return ""
	}
}

// Signal sends TERM and the like along the session. KILL goes by a way of its own: it must reach a hive that is
// frozen, whose session is dead, and whose workers are in groups of theirs.
func (p *process) Signal(s syscall.Signal) {
	if s == syscall.SIGKILL {
		p.end()
		return
	}
	go func() { _ = p.session.Signal(s) }()
}

// Sweep implements supervisor.Process.
func (p *process) Sweep(ctx context.Context, _, _ string) ([]proc.Found, error) {
	e := p.end()
	select {
	case <-e.done:
		return e.left, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end begins an attempt, or joins the one under way. One that has succeeded, or failed for want of a way there, is
// not made again.
func (p *process) end() *ending {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending == nil {
		e := &ending{done: make(chan struct{})}
		p.ending = e
		go func() {
			defer close(e.done)
			ctx, cancel := context.WithTimeout(context.Background(), proofTime)
			defer cancel()
			if e.left, e.err = p.endNow(ctx); e.err == nil && len(e.left) == 0 {
				p.proven("signal: killed")
			}
		}()
	}
	return p.ending
}

// endNow runs `rbee-hive end RUN LIFE` on the node.
func (p *process) endNow(ctx context.Context) ([]proc.Found, error) {
	out, err := p.onNode(ctx, p.conn)
	if err != nil {
		conn, dialErr := p.spawner.Dial(ctx)
		if dialErr != nil {
			return nil, fmt.Errorf("cannot look at %s again: %w", p.spawner.Node, dialErr)
		}
		defer conn.Close()
		if out, err = p.onNode(ctx, conn); err != nil {
			return nil, err
		}
	}
	return ParseLeft(out)
}

// halfTime is what the first connection gets of the time there is: it may be dead without anybody knowing.
const halfTime = proofTime / 3

func (p *process) onNode(ctx context.Context, conn remote.Conn) (string, error) {
	select {
	case <-conn.Lost():
		return "", fmt.Errorf("the way to %s is gone", conn)
	default:
	}
	if conn == p.conn {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, halfTime)
		defer cancel()
	}
	out, exit, err := remote.Output(ctx, conn, []string{p.path, "end", p.command.Run, p.command.Life}, nil)
	if err == nil && !exit.OK() {
		err = fmt.Errorf("%s end on %s: %s%s", p.command.Program, p.spawner.Node, exit, lastLine(out.Stderr))
	}
	return out.Stdout, err
}

// FormatLeft writes what could not be ended, one process a line, for ParseLeft.
func FormatLeft(left []proc.Found) string {
	var b strings.Builder
	for _, f := range left {
		fmt.Fprintf(&b, "left %s %s\n", f.Identity, f.Life)
	}
	return b.String() + "end\n"
}

// ParseLeft reads FormatLeft's output. Without its last line nothing is known.
func ParseLeft(s string) (left []proc.Found, err error) {
	for line := range strings.SplitSeq(s, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && f[0] == "end":
			return left, nil
		case len(f) == 3 && f[0] == "left":
			id, err := proc.ParseIdentity(f[1])
			if err != nil {
				return nil, err
			}
			left = append(left, proc.Found{Identity: id, Life: f[2]})
		}
	}
	return nil, fmt.Errorf("no answer from the node's sweep")
}

// freeSession gives up the session, and keeps the way to the node.
func (p *process) freeSession() {
	p.stream.Close()
	p.session.Close()
	p.stderr.stop()
}

// releaseTime is how long a last exit status or line of stderr may still arrive.
const releaseTime = 100 * time.Millisecond

// Release implements supervisor.Process.
func (p *process) Release() {
	p.stream.Close()
	time.AfterFunc(releaseTime, func() {
		p.freeSession()
		p.conn.Close()
	})
}
