package install

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"io"
	"sync/atomic"
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
	watch   *time.Timer   // ends ctx for want of a sign of life
	limit   atomic.Int64  // how long that may be, a time.Duration
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
		ctx: ctx, watch: watch, conn: conn, session: session, frames: newFrames(session, nonce), tail: proc.NewTail(8),
		sends: make(chan func(io.Writer) error, 1), written: make(chan struct{}), heard: make(chan struct{}),
	}
	s.limit.Store(int64(stall))
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

// alive notes a sign of life.
func (s *script) alive() { s.watch.Reset(time.Duration(s.limit.Load())) }

// ask asks the way to the node for a sign of life as long as the script runs. From now on it may be silent for the
// lease only: what is taken by a buffer of this machine shows little, and what the node takes may be slow to unpack.
func (s *script) ask(p remote.Pinger, lease time.Duration) {
	s.limit.Store(int64(lease))
	s.alive()
	go func() {
		next := time.NewTicker(lease / 3)
		defer next.Stop()
		for p.Ping() == nil {
			s.alive()
			select {
			case <-next.C:
			case <-s.ctx.Done():
				return
			}
		}
	}()
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

// next is the script's next answer.
func (s *script) next() (string, error) {
	line, err := s.frames.next()
	s.alive()
	return line, err
}
