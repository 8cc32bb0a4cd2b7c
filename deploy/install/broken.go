package install

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"rbee/deploy/remote"
	"rbee/internal/fault"
	"rbee/internal/proc"
)

// broken says why a script's answers ended too early.
func (s *script) broken(doing, after string, err error) error {
	if limit := time.Duration(s.limit.Load()); context.Cause(s.ctx) == errStalled && limit != stall {
		return fault.Wrap(fault.NodeLost, errStalled, "the way to %s was lost while %s%s: no sign of life for %v", s.conn, doing, after, limit).
			WithHint("nothing half-made is used there; try again")
	}
	if s.ctx.Err() != nil {
		return ended(s.ctx, s.conn)
	}
	if err != io.EOF { // it talks nonsense, and may go on for ever
		return fault.Wrap(fault.HiveStartFailed, err, "%s on %s: %v", doing, s.conn, err).
			WithHint("let the login scripts of the node print less where no terminal is attached")
	}
	s.wait()
	exit, over := remote.Exit{}, false
	select {
	case <-s.session.Done():
		exit, over = s.session.Exit(), true
	default:
	}
	lost := over && !exit.Known && s.frames.begun // a reset ends the session a moment before the connection knows
	select {
	case <-s.conn.Lost():
		lost = true
	default:
	}
	if lost {
		return fault.Wrap(fault.NodeLost, err, "the way to %s was lost while %s%s", s.conn, doing, after).
			WithHint("nothing half-made is used there; try again")
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
