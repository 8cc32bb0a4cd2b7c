package sshconn

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"rbee/deploy/remote"
)

// The one thread that starts processes stays.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("rbee/internal/proc.onSpawner.func1.1"), goleak.Cleanup(func(code int) {
		if rsaMade {
			os.RemoveAll(filepath.Dir(rsaKey()))
		}
		os.Exit(code)
	}))
}

// dial connects and closes at the end.
func dial(t testing.TB, target Target, o Options) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		<-c.Lost()
	})
	return c
}

// output runs a command to its end.
func output(t testing.TB, c *Conn, words ...string) (string, remote.Exit) {
	t.Helper()
	s, err := c.Start(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	return string(out), s.Exit()
}
