package install

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"rbee/deploy/remote"
	"rbee/internal/fault"
	"rbee/internal/proc"
)

// stall is how long a node may show no sign of life: no answer, and not a byte taken. (Var for the test of it.)
var stall = time.Minute

// maxStderr is more than any script of ours can cause; a node must not keep us busy with more.
const maxStderr = 1 << 20

var (
	errStalled = errors.New("no sign of life")
	errNoise   = errors.New("endless stderr")
)

// farewell bounds the wait for a script that has said its last word: it has only folders left to remove.
const farewell = 5 * time.Second

//go:embed common.sh
var commonScript string

// script is one of our scripts at work on a node.
type script struct {
	conn    remote.Conn
	session remote.Session
	frames  *frames
	tail    *proc.Tail
	sends   chan func(io.Writer) error // nil once used
	ctx     context.Context
	alive   func()        // to be called at a sign of life
	undo    func()        // lets go of the context
	written chan struct{} // closed when nothing is written any more
	heard   chan struct{} // closed at the end of stderr
}

// start runs sh on the node and gives it the script. When the context ends, so does the session.
func start(ctx context.Context, conn remote.Conn, text string, args ...string) (*script, error) {
	var random [16]byte
	rand.Read(random[:])
	nonce := hex.EncodeToString(random[:])
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(stall, func() { cancel(errStalled) })
	session, err := conn.Start(ctx, append([]string{"sh", "-s", nonce}, args...))
	if err != nil {
		watch.Stop()
		defer cancel(nil)
		if ctx.Err() != nil {
			return nil, ended(ctx, conn)
		}
		return nil, fault.Wrap(fault.HiveStartFailed, err, "cannot run sh on %s: %s", conn, proc.Clean(err.Error()))
	}
	s := &script{
		ctx: ctx, alive: func() { watch.Reset(stall) }, conn: conn, session: session, frames: newFrames(session, nonce), tail: proc.NewTail(8),
		sends: make(chan func(io.Writer) error, 1), written: make(chan struct{}), heard: make(chan struct{}),
	}
	stop := context.AfterFunc(ctx, func() { session.Close() })
	s.undo = func() { watch.Stop(); stop(); cancel(nil) }
	go func() {
		defer close(s.heard)
		r := &io.LimitedReader{R: session.Stderr(), N: maxStderr}
		proc.EachLine(r, s.tail.Add)
		if r.N <= 0 {
			cancel(errNoise)
		}
	}()
	sends := s.sends
	// A goroutine, because a far side that prints without end and reads nothing must not stop us from listening.
	go func() {
		defer close(s.written)
		_, err := io.WriteString(session, commonScript+text)
		for send := range sends {
			if err == nil {
				err = send(session)
			}
			session.CloseWrite()
		}
	}()
	return s, nil
}

// send lets f write to the script's stdin, which then ends. It counts once: a node cannot ask again.
func (s *script) send(f func(io.Writer) error) {
	if s.sends == nil {
		return
	}
	s.sends <- f
	close(s.sends)
	s.sends = nil
}

// wait lets the script end by itself, for a while.
func (s *script) wait() {
	limit := time.NewTimer(farewell)
	defer limit.Stop()
	for _, end := range []<-chan struct{}{s.session.Done(), s.heard} {
		select {
		case <-end:
		case <-s.ctx.Done():
		case <-s.conn.Lost():
		case <-limit.C:
			return
		}
	}
}

// close ends the session whatever it does, and returns when nothing of ours reads or writes there any more.
func (s *script) close() {
	if s.sends != nil {
		close(s.sends)
	}
	s.session.Close()
	<-s.written
	s.undo()
}

// broken says why a script's answers ended too early.
func (s *script) broken(doing, after string, err error) error {
	if s.ctx.Err() != nil {
		return ended(s.ctx, s.conn)
	}
	if err != io.EOF { // it talks nonsense, and may go on for ever
		return fault.Wrap(fault.HiveStartFailed, err, "%s on %s: %v", doing, s.conn, err).
			WithHint("let the login scripts of the node print less where no terminal is attached")
	}
	s.wait()
	select {
	case <-s.conn.Lost():
		return fault.Wrap(fault.NodeLost, err, "the way to %s was lost while %s%s", s.conn, doing, after).
			WithHint("nothing half-made is used there; try again")
	default:
	}
	exit := remote.Exit{}
	select {
	case <-s.session.Done():
		exit = s.session.Exit()
	default:
	}
	if !s.frames.begun && exit.Known && (exit.Code == 126 || exit.Code == 127 || NotThere(exit, strings.Join(s.tail.Lines(), "\n"))) {
		return fault.New(fault.HiveStartFailed, "%s cannot run sh (%s)%s", s.conn, exit, s.said("")).
			WithHint("a node needs a POSIX shell named sh in its PATH")
	}
	return fault.New(fault.HiveStartFailed, "%s on %s ended early%s (%s)%s", doing, s.conn, after, exit, s.said(s.frames.noise)).
		WithHint("see what the node says: ssh it and run sh").With("stderr", strings.Join(s.tail.Lines(), "\n"))
}

// ended is the error of a context that ended: the caller's own, or that of a node that shows no sign of life.
func ended(ctx context.Context, conn remote.Conn) error {
	switch context.Cause(ctx) {
	case errStalled:
		return fault.Wrap(fault.HiveStartFailed, errStalled, "%s has shown no sign of life for %v", conn, stall).
			WithHint("a login script there may wait for something; see whether `sh` runs there by hand")
	case errNoise:
		return fault.Wrap(fault.HiveStartFailed, errNoise, "%s prints errors without end: more than %d KiB", conn, maxStderr>>10).
			WithHint("see what its login scripts print where no terminal is attached")
	}
	return ctx.Err()
}

// next is the script's next answer.
func (s *script) next() (string, error) {
	line, err := s.frames.next()
	s.alive()
	return line, err
}

// said is the node's own words for the end of a message: the last line of stderr, or other; short, led by a colon.
func (s *script) said(other string) string {
	last := ""
	if lines := s.tail.Lines(); len(lines) > 0 {
		last = lines[len(lines)-1]
	}
	return quote(cmp.Or(other, last))
}

// quote makes foreign text fit for the end of a message.
func quote(text string) string {
	text = strings.TrimSpace(proc.Clean(text))
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	if text == "" {
		return ""
	}
	return fmt.Sprintf(": %s", text)
}
