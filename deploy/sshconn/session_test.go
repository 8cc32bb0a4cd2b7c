package sshconn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/deploy/remote"
	"rbee/internal/fault"
)

// connect is a connection to a server of its own.
func connect(t testing.TB, options ...string) *Conn {
	t.Helper()
	s, h := serve(t, options...), newHome(t)
	h.knows(t, s)
	h.host("mac", s)
	return dial(t, h.resolve(t, "mac"), Options{})
}

// start runs a script on the node. Scripts are files, since words are no place for one.
func start(t testing.TB, c *Conn, script string) remote.Session {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	write(t, path, script)
	s, err := c.Start(t.Context(), []string{"sh", path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestACommandRunsOnAVerifiedHost(t *testing.T) {
	out, exit := output(t, connect(t), "echo", "over", "there")
	if out != "over there\n" || !exit.OK() {
		t.Errorf("%q, %v", out, exit)
	}
}

func TestForwardingMayBeForbidden(t *testing.T) {
	if _, exit := output(t, connect(t, "DisableForwarding yes", "PermitTTY no"), "true"); !exit.OK() {
		t.Error(exit)
	}
}

func TestTheProgramIsTheChildOfTheServersSession(t *testing.T) {
	c := connect(t)
	s := start(t, c, "echo $PPID; cat /proc/$PPID/comm")
	out, err := io.ReadAll(s)
	if err != nil || !strings.Contains(string(out), "\nsshd") {
		t.Errorf("%q, %v: a shell is in between", out, err)
	}
}

// The server hands our one string to the user's login shell, whichever that is.
func TestWordsMeanThemselvesToEveryLoginShell(t *testing.T) {
	words := []string{"echo", "A=b", "a=b=c", "x@y:z", "-v", "100%", "a+b,c", "./a/../b", "a~b", "0", "_", "if", "exec", "a:b", "--x=y", "@", "+", ":", ",", "."}
	if err := remote.CheckWords(words); err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"sh", "bash", "csh", "fish"} {
		out := run(t, shell, "-c", commandLine(append([]string{"env"}, words...)))
		if want := strings.Join(words[1:], " ") + "\n"; out != want {
			t.Errorf("%s: %q, want %q", shell, out, want)
		}
		// The shell makes way, so what dies with its parent dies with the session.
		parent := write(t, filepath.Join(t.TempDir(), "parent"), "echo $PPID")
		if out := run(t, shell, "-c", commandLine([]string{"sh", parent})); out != fmt.Sprintln(os.Getpid()) {
			t.Errorf("%s stays in between", shell)
		}
	}
}

func TestTheExitIsToldAsItWas(t *testing.T) {
	c := connect(t)
	for script, want := range map[string]remote.Exit{
		"exit 0":      {Known: true},
		"exit 3":      {Known: true, Code: 3},
		"exit 255":    {Known: true, Code: 255},
		"kill -9 $$":  {Known: true, Signal: "KILL"},
		"kill -15 $$": {Known: true, Signal: "TERM"},
	} {
		s := start(t, c, script)
		<-s.Done()
		if got := s.Exit(); got != want {
			t.Errorf("%s: %+v", script, got)
		}
	}
	s, err := c.Start(t.Context(), []string{"/no/such/program"})
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(s.Stderr())
	if <-s.Done(); s.Exit().Code != 127 || !strings.Contains(string(said), "/no/such/program") {
		t.Errorf("%+v, %q", s.Exit(), said)
	}
}

func TestStdinEndsWithCloseWrite(t *testing.T) {
	s := start(t, connect(t), "cat; echo end")
	want := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	go func() {
		_, _ = s.Write(want)
		_ = s.CloseWrite()
	}()
	got, err := io.ReadAll(s)
	if err != nil || !bytes.Equal(got, append(want, "end\n"...)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("a write after the end of stdin is no error")
	}
}

func TestAFloodOfStderrHoldsUpNothing(t *testing.T) {
	s := start(t, connect(t), "head -c 20000000 /dev/zero >&2; echo done")
	out, err := io.ReadAll(s)
	if err != nil || string(out) != "done\n" {
		t.Fatalf("%q, %v", out, err)
	}
	said, err := io.ReadAll(s.Stderr())
	if err != nil {
		t.Fatal(err)
	}
	kept, dropped := bytes.Count(said, []byte{0}), 0
	for _, m := range regexp.MustCompile(`\[(\d+) bytes of stderr were dropped\]`).FindAllSubmatch(said, -1) { // more than one if we read meanwhile
		n, _ := strconv.Atoi(string(m[1]))
		dropped += n
	}
	if kept+dropped != 20_000_000 || kept < stderrRoom || dropped == 0 {
		t.Errorf("%d bytes kept, %d said to be dropped", kept, dropped)
	}
}

func TestWhoDoesNotReadHoldsUpOnlyHimself(t *testing.T) {
	c := connect(t)
	full := start(t, c, "cat /dev/zero")
	if _, err := io.ReadFull(full, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if out, exit := output(t, c, "echo", "free"); out != "free\n" || !exit.OK() {
		t.Errorf("%q, %v", out, exit)
	}
}

func TestManyCommandsRunAtOnce(t *testing.T) {
	c := connect(t, "MaxSessions 20")
	var all []remote.Session
	for range 15 {
		all = append(all, start(t, c, "read x; echo $x"))
	}
	for i, s := range all {
		fmt.Fprintln(s, i)
	}
	for i, s := range all {
		if out, _ := io.ReadAll(s); string(out) != fmt.Sprintln(i) {
			t.Errorf("%d: %q", i, out)
		}
	}
}

func TestTooManySessionsIsAnError(t *testing.T) {
	c := connect(t, "MaxSessions 1")
	start(t, c, "read x")
	_, err := c.Start(t.Context(), []string{"true"})
	if f := fault.From(err); f.Code != fault.SSHUnreachable || !strings.Contains(f.Hint, "MaxSessions") {
		t.Errorf("%v: %v", f.Code, err)
	}
}

func TestAnUnsafeWordStartsNothing(t *testing.T) {
	c := connect(t)
	touched := filepath.Join(t.TempDir(), "x")
	for _, words := range [][]string{{"touch", touched, "$(x)"}, {"touch " + touched}, {"true;touch", touched}, {"true", "\ntouch", touched}, {}, {""}} {
		if s, err := c.Start(t.Context(), words); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%q: %v, %v", words, s, err)
		}
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("something was run")
	}
}

// stuck waits in Read and in Write of a session, until both return.
func stuck(s remote.Session) (ended chan error) {
	ended = make(chan error, 2)
	go func() {
		_, err := io.Copy(io.Discard, s)
		ended <- err
	}()
	go func() {
		var err error
		for b := make([]byte, 1<<20); err == nil; {
			_, err = s.Write(b)
		}
		ended <- err
	}()
	return ended
}

func within(t testing.TB, d time.Duration, what string, c <-chan error) {
	t.Helper()
	for range cap(c) {
		select {
		case err := <-c:
			if err == nil {
				t.Errorf("%s: no error", what)
			}
		case <-time.After(d):
			t.Fatalf("%s: still waiting after %v", what, d)
		}
	}
}

// The server's process for this connection is stopped, so nothing comes back, and what is sent fills every buffer.
func TestCloseReturnsThoughTheFarSideIsFrozen(t *testing.T) {
	for _, what := range []string{"session", "connection"} {
		t.Run(what, func(t *testing.T) {
			c := connect(t)
			s := start(t, c, "echo $PPID; exec sleep 60")
			var pid int
			if _, err := fmt.Fscan(s, &pid); err != nil {
				t.Fatal(err)
			}
			freeze(t, pid)
			waiting := stuck(s)
			if what == "session" {
				s.Close()
			} else {
				c.Close()
			}
			within(t, 2*time.Second, what, waiting)
			select {
			case <-s.Done():
				if s.Exit().Known {
					t.Error(s.Exit())
				}
			case <-time.After(2 * time.Second):
				t.Error("Done is not closed")
			}
		})
	}
}

// freeze stops a process, and lets it go at the end.
func freeze(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
}

func TestAStartEndsWithItsContextThoughTheFarSideIsFrozen(t *testing.T) {
	c := connect(t)
	s := start(t, c, "echo $PPID; exec sleep 60")
	var pid int
	if _, err := fmt.Fscan(s, &pid); err != nil {
		t.Fatal(err)
	}
	freeze(t, pid)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Start(ctx, []string{"true"}); fault.CodeOf(err) != fault.SSHTimeout {
		t.Error(err)
	}
}

func TestALostConnectionIsNoticed(t *testing.T) {
	c := connect(t)
	s := start(t, c, "echo $PPID; exec sleep 60")
	var pid int
	if _, err := fmt.Fscan(s, &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.Lost()
	if <-s.Done(); s.Exit().Known || s.Exit().Err == nil {
		t.Errorf("the exit %v", s.Exit())
	}
	if _, err := io.ReadAll(s); err != nil {
		t.Errorf("the end of a lost stream: %v", err)
	}
	if _, err := c.Start(t.Context(), []string{"true"}); fault.CodeOf(err) != fault.NodeLost {
		t.Errorf("a start on a lost connection: %v", err)
	}
}

// What a command wrote is not lost because we close: the far side still gets it, then the end of its stdin.
func TestCloseLetsWhatWasWrittenGoOut(t *testing.T) {
	c := connect(t)
	file := filepath.Join(t.TempDir(), "got")
	s := start(t, c, "trap '' HUP; wc -c >"+file+".tmp; mv "+file+".tmp "+file)
	if _, err := s.Write(make([]byte, 200_000)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for ctx := t.Context(); ctx.Err() == nil; {
		if b, err := os.ReadFile(file); err == nil {
			if strings.TrimSpace(string(b)) != "200000" {
				t.Errorf("%s bytes arrived", b)
			}
			return
		}
		output(t, c, "sleep", "0.01")
	}
}
