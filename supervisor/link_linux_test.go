package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rbee/internal/fault"
	"rbee/internal/testkit"
	"rbee/internal/transport"
	"rbee/messages"
)

func TestAGoodChildComesUpAndStopsUnforced(t *testing.T) {
	t.Parallel()
	w := start(t, "good")
	if up := next[LinkUp](w); up.Link != w.Link {
		t.Errorf("another link is up: %v", up)
	}
	own := w.Processes()[0]
	found, err := testkit.Processes(testkit.OfLife(w.Address))
	if err != nil || len(found) != 1 || own.Pid != int64(found[0].PID) || own.Host != hostname() || own.StartedUnixNano < w.began.UnixNano() {
		t.Errorf("%v is listed, %v is there, %v", own, found, err)
	}
	w.stop()
	d := w.down()
	if e := d.Ends[0]; !d.Asked || d.Err != nil || d.Cause != "stopped" || e.Forced || e.Unproven || e.Cause != "stopped" || e.Pid != own.Pid || len(d.Ends) != 1 {
		t.Errorf("%+v", d)
	}
}

// What a child does wrong, when, and what its owner is told of it.

func TestACruelChildEndsAndItsOwnerIsToldHow(t *testing.T) {
	for _, c := range []struct {
		child  string
		up     bool // it comes up first
		stop   bool // and is then asked to stop
		cause  string
		forced bool
		code   fault.Code // of the error; with up there is none
	}{
		{"mute", false, false, "killed: no handshake within 1s", true, fault.WorkerStartFailed},
		{"frozen-early", false, false, "killed: no handshake within 1s", true, fault.WorkerStartFailed},
		{"wrong-nonce", false, false, "killed: no handshake within 1s", true, fault.WorkerStartFailed},
		{"loud", false, false, "killed: wrong handshake", true, fault.WorkerStartFailed},
		{"other-build", false, false, "killed: wrong handshake", true, fault.VersionMismatch},
		{"hangs-up", false, false, "killed: it closed its stream before the handshake", true, fault.WorkerStartFailed},
		{"exits", false, false, "exited: exit status 3", false, fault.WorkerStartFailed},
		{"half-frozen", false, false, "killed: link lost (no sign of life for 1s)", true, fault.WorkerStartFailed},
		{"frozen", true, false, "killed: link lost (no sign of life for 1s)", true, ""},
		{"hung", true, false, "killed: no answer for 1s", true, ""},
		{"killed", true, false, "exited: signal: killed", false, ""},
		{"crashes", true, false, "exited: exit status 2", false, ""},
		{"deaf", true, true, "killed: not gone 1s after it was asked to stop", true, ""},
		{"silent", true, true, "killed: not gone 1s after it was asked to stop", true, ""},
		{"waiting", true, true, "exited: exit status 7", false, ""},
		{"lingers", true, true, "killed: did not exit after it had stopped", true, ""},
	} {
		t.Run(c.child, func(t *testing.T) {
			t.Parallel()
			w := start(t, c.child)
			if c.up {
				next[LinkUp](w)
			}
			began := time.Now()
			if c.stop {
				w.stop()
			}
			d := w.down()
			if took := time.Since(began); took > patience/4 {
				t.Errorf("it took %v", took)
			}
			if e := d.Ends[0]; d.Asked || d.Cause != c.cause || e.Cause != c.cause || e.Forced != c.forced || e.Unproven || e.Pid == 0 || e.TookUs <= 0 {
				t.Errorf("cause %q, asked %v, %v", d.Cause, d.Asked, e)
			}
			if code := fault.CodeOf(d.Err); code != c.code || (d.Err == nil) != c.up {
				t.Errorf("error %v, want %q", d.Err, c.code)
			}
		})
	}
}

// TERM on a child that answered would cut off what it does for the stop.

func TestTheLastWordsOfAChildExplainItsFailure(t *testing.T) {
	t.Parallel()
	d := start(t, "exits").down()
	var e *fault.Error
	if !errors.As(d.Err, &e) || !strings.Contains(e.Hint, "cannot open [31mthe model") || strings.ContainsAny(e.Hint, "\x00\x1b") {
		t.Errorf("%v, %+v", d.Err, e)
	}
}

func TestNoiseBeforeTheHandshakeIsSkippedAndKept(t *testing.T) {
	t.Parallel()
	w := start(t, "polite-noise")
	next[LinkUp](w)
	if words := strings.Join(w.LastWords(), ""); !strings.Contains(words, "bytes before the handshake: welcome") {
		t.Errorf("%q", words)
	}
	w.stop()
	if d := w.down(); !d.Asked || d.Ends[0].Forced {
		t.Errorf("%+v", d)
	}
}

func TestTooMuchNoiseIsNoHandshake(t *testing.T) {
	t.Parallel()
	if d := start(t, "loud").down(); !errors.Is(d.Err, transport.ErrNoHandshake) || !strings.Contains(d.Err.Error(), "bytes without it") {
		t.Errorf("%v", d.Err)
	}
}

// It is in no group of the child's, holds the link's descriptors, and outlives its parent.

func TestAChildThatIsNotReadyInTimeIsKilled(t *testing.T) {
	t.Parallel()
	w := start(t, "slow", func(s *Spec) { s.Start = 1500 * time.Millisecond; s.Lease = 10 * time.Second })
	d := w.down()
	if want := "killed: not ready after 1.5s"; d.Cause != want || !d.Ends[0].Forced || fault.CodeOf(d.Err) != fault.WorkerStartFailed {
		t.Errorf("%q, %v", d.Cause, d.Err)
	}
}

// A child that is asked to stop while it comes up is waited for, and then stopped in good order.

// counted is a process that counts its signals.

func TestTheOwnerHearsWhatTheChildSays(t *testing.T) {
	t.Parallel()
	w := start(t, "chatty")
	if m, ok := next[FromChild](w).Message.(*messages.Loading); !ok || m.GetProgress() != 0.5 {
		t.Errorf("%v", m)
	}
}

func TestAProgramThatIsNotThereCannotBeLaunched(t *testing.T) {
	s := spec("queen.1", NewRun(), "good")
	s.Program = "no-such-rbee"
	if _, err := Launch(s); fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "no-such-rbee") {
		t.Errorf("%v", err)
	}
}

// An owner is another process here, since its end is the point.

// As a node has it that lost its power right after an installation.
func TestAProgramThatTheSystemDoesNotRunIsAFailedStart(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := spec("queen.1", NewRun(), "good")
	s.Program = "empty-rbee"
	path := filepath.Join(filepath.Dir(exe), s.Program)
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	_, err = Launch(s)
	if e := fault.From(err); e.Code != startFailed(s.Kind) || !strings.Contains(e.Message, path+": exec format error") || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}
