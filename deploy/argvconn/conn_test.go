package argvconn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"rbee/deploy/remote"
	"rbee/internal/fault"
)

// The one thread that starts processes stays.
func TestMain(m *testing.M) {
	if os.Getenv("ARGVCONN_OWNER") != "" {
		own()
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("rbee/internal/proc.onSpawner.func1.1"))
}

func connect(t *testing.T, argv ...string) *Conn {
	t.Helper()
	c, err := New("box", argv)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func start(t *testing.T, c *Conn, words ...string) remote.Session {
	t.Helper()
	s, err := c.Start(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		<-s.Done()
	})
	return s
}

// script is a file, since words are no place for one.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnyProgramWithStdioIsAWay(t *testing.T) {
	for _, argv := range [][]string{{"env"}, {"sh", "-c", `exec "$@"`, "sh"}, {"sh", "-c", `"$@"`, "sh"}, {"nice", "-n", "1"}} {
		s := start(t, connect(t, argv...), "echo", "over", "there")
		out, err := io.ReadAll(s)
		if <-s.Done(); err != nil || string(out) != "over there\n" || !s.Exit().OK() {
			t.Errorf("%q: %q, %v, %v", argv, out, err, s.Exit())
		}
	}
}

func TestStdinEndsWithCloseWrite(t *testing.T) {
	s := start(t, connect(t, "env"), "cat")
	want := bytes.Repeat([]byte("x"), 1<<20)
	go func() {
		_, _ = s.Write(want)
		_ = s.CloseWrite()
	}()
	if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestTheExitIsToldAsItWas(t *testing.T) {
	c := connect(t, "env")
	for text, want := range map[string]remote.Exit{
		"exit 0":       {Known: true},
		"exit 3":       {Known: true, Code: 3},
		"kill -9 $$":   {Known: true, Signal: "KILL"},
		"echo x >&2":   {Known: true},
		"exec no-such": {Known: true, Code: 127},
	} {
		s := start(t, c, "sh", script(t, text))
		said, _ := io.ReadAll(s.Stderr())
		if <-s.Done(); s.Exit() != want || text == "echo x >&2" && string(said) != "x\n" {
			t.Errorf("%s: %+v, %q", text, s.Exit(), said)
		}
	}
}

func TestASignalReachesTheProgram(t *testing.T) {
	s := start(t, connect(t, "env"), "sleep", "60")
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if <-s.Done(); s.Exit().Signal != "TERM" {
		t.Error(s.Exit())
	}
	if err := s.Signal(syscall.SIGTERM); err == nil {
		t.Error("a signal to a command that ended is no error")
	}
}

// own is a process with a session, which waits to be killed.
func own() {
	c, err := New("box", []string{"env"})
	if err != nil {
		panic(err)
	}
	s, err := c.Start(context.Background(), []string{"sh", "-s"})
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(s, "echo $$; exec sleep 60")
	_, _ = io.Copy(os.Stdout, s)
}

func TestAnUnsafeWordStartsNothing(t *testing.T) {
	touched := filepath.Join(t.TempDir(), "x")
	c := connect(t, "sh", "-c")
	for _, words := range [][]string{{"touch " + touched}, {"true;touch", touched}, {"$(touch)"}, {}, {""}} {
		if _, err := c.Start(t.Context(), words); fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%q: %v", words, err)
		}
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("something was run")
	}
}

func TestAProgramThatIsNotThereIsSaid(t *testing.T) {
	for _, argv := range [][]string{nil, {""}, {"no-such-program-anywhere", "exec"}} {
		if _, err := New("box", argv); fault.CodeOf(err) == "" || fault.From(err).Hint == "" {
			t.Errorf("%q: %v", argv, err)
		}
	}
}
