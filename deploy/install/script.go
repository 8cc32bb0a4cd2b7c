package install

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"rbee/deploy/remote"
	"rbee/internal/fault"
	"rbee/internal/proc"
)

// farewell bounds the wait for a script that has said its last word: it has only folders left to remove.
const farewell = 5 * time.Second

// script is one of our scripts at work on a node.
type script struct {
	conn    remote.Conn
	session remote.Session
	frames  *frames
	tail    *proc.Tail
	sends   chan func(io.Writer) error // nil once used
	undo    func() bool                // of what the context would do
	written chan struct{}              // closed when nothing is written any more
	heard   chan struct{}              // closed at the end of stderr
}

// start runs sh on the node and gives it the script. When the context ends, so does the session.
func start(ctx context.Context, conn remote.Conn, text string, args ...string) (*script, error) {
	var random [16]byte
	rand.Read(random[:])
	nonce := hex.EncodeToString(random[:])
	session, err := conn.Start(ctx, append([]string{"sh", "-s", nonce}, args...))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.Wrap(fault.HiveStartFailed, err, "cannot run sh on %s: %s", conn, proc.Clean(err.Error()))
	}
	s := &script{
		conn: conn, session: session, frames: newFrames(session, nonce), tail: proc.NewTail(8),
		sends: make(chan func(io.Writer) error, 1), written: make(chan struct{}), heard: make(chan struct{}),
	}
	s.undo = context.AfterFunc(ctx, func() { session.Close() })
	go func() {
		defer close(s.heard)
		proc.EachLine(session.Stderr(), s.tail.Add)
	}()
	sends := s.sends
	// A goroutine, because a far side that prints without end and reads nothing must not stop us from listening.
	go func() {
		defer close(s.written)
		_, err := io.WriteString(session, text)
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
func (s *script) wait(ctx context.Context) {
	limit := time.NewTimer(farewell)
	defer limit.Stop()
	for _, end := range []<-chan struct{}{s.session.Done(), s.heard} {
		select {
		case <-end:
		case <-ctx.Done():
		case <-s.conn.Lost():
		case <-limit.C:
			return
		}
	}
}

// close ends the session whatever it does, and returns when nothing of ours reads or writes there any more.
func (s *script) close() {
	s.undo()
	if s.sends != nil {
		close(s.sends)
	}
	s.session.Close()
	<-s.written
}

// broken says why a script's answers ended too early.
func (s *script) broken(ctx context.Context, doing, after string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != io.EOF { // it talks nonsense, and may go on for ever
		return fault.Wrap(fault.HiveStartFailed, err, "%s on %s: %v", doing, s.conn, err).
			WithHint("let the login scripts of the node print less where no terminal is attached")
	}
	s.wait(ctx)
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
