package proc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rbee/internal/testkit"
)

// envChild makes this test binary one of the children below.
const envChild = "RBEE_TEST_CHILD"

// patience is how long a test waits for what must come; a noisy machine is no failure.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if child, ok := helpers[os.Getenv(envChild)]; ok {
		child()
		os.Exit(0)
	}
	if err := BecomeSubreaper(); err != nil { // as every owner is one
		panic(err)
	}
	code := m.Run()
	// The thread that starts processes never ends.
	testkit.VerifyNoLeaks(code, patience, goleak.IgnoreTopFunction("rbee/internal/proc.onSpawner.func1.1"))
}

var helpers = map[string]func(){
	"echo": func() { _, _ = io.Copy(os.Stdout, os.Stdin) },
	"fds":  func() { fmt.Fprintln(os.Stderr, strings.Join(descriptors(), " ")) },
	// owner starts a child that is to die with it, and would not notice the end of its stream.
	"owner": func() {
		p, err := Start(Command{Path: "/bin/sleep", Args: []string{"300"}, OwnerDeath: syscall.SIGKILL})
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stderr, p.Identity)
		select {}
	},
	// noisy prints to what was its stdout in every way there is, and leaves a grandchild with its descriptors.
	"noisy": func() {
		s := take()
		fmt.Println("a print")
		_, _ = syscall.Write(1, []byte("a print of native code\n"))
		c := exec.Command("sleep", "300")
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			panic(err)
		}
		b := make([]byte, 5)
		n, err := os.Stdin.Read(b)
		_, _ = fmt.Fprintf(s, "stdin is at %d bytes, %v; ", n, err)
		_, _ = io.Copy(s, io.LimitReader(s, 5))
		s.Close()
		_, _ = io.Copy(io.Discard, pipe())
	},
	// closer closes its stream while it reads it.
	"closer": func() {
		s := take()
		read := make(chan error)
		go func() { _, err := s.Read(make([]byte, 1)); read <- err }()
		blocked("proc.(*Stream).Read")
		s.Close()
		fmt.Fprintln(os.Stderr, <-read)
	},
	"ender": func() {
		seen, left := End(context.Background(), func(f Found) bool { return f.Run == os.Getenv(EnvRun) })
		fmt.Fprintln(os.Stderr, len(seen), len(left))
	},
}

// descriptors lists what this process has open.
func descriptors() (to []string) {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, e := range d {
		if l, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			to = append(to, l)
		}
	}
	return to
}

// blocked returns when a goroutine waits in that function.
func blocked(in string) {
	for b := make([]byte, 1<<16); ; time.Sleep(time.Millisecond) {
		for g := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
			head, _, _ := strings.Cut(g, "\n")
			if strings.Contains(g, in) && (strings.Contains(head, "IO wait") || strings.Contains(head, "syscall")) {
				return
			}
		}
	}
}

// pipe is a stream that never says anything.
func pipe() io.Reader {
	r, _, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	return r
}

func take() *Stream {
	s, err := TakeStdio()
	if err != nil {
		panic(err)
	}
	return s
}

func self() string {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return exe
}

// child is a started process and the lines of its stderr.
type child struct {
	*Process
	t     *testing.T
	lines *bufio.Scanner
	run   string
}

// start starts a command of a run of its own; at the end nothing of that run may be left.
func start(t *testing.T, c Command) *child {
	t.Helper()
	run := fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), time.Now().UnixNano())
	c.Env = append(c.Env, EnvRun+"="+run)
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Stderr().SetReadDeadline(time.Now().Add(patience))
	t.Cleanup(func() {
		p.Signal(syscall.SIGKILL)
		<-p.Exited()
		p.Release()
		p.Stderr().Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		End(ctx, func(f Found) bool { return f.Run == run })
	})
	return &child{p, t, bufio.NewScanner(p.Stderr()), run}
}

// shell starts a script.
func shell(t *testing.T, script string) *child {
	t.Helper()
	return start(t, Command{Path: "/bin/sh", Args: []string{"-c", script}})
}

// another starts this test binary as that child.
func another(t *testing.T, name string, env ...string) *child {
	t.Helper()
	return start(t, Command{Path: self(), Env: append(env, envChild+"="+name)})
}

// line is the next line of the child's stderr.
func (c *child) line() string {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("no line on stderr: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// wait waits for its end and returns the cause.
func (c *child) wait() string {
	c.t.Helper()
	select {
	case <-c.Exited():
	case <-time.After(patience):
		c.t.Fatal("it does not end")
	}
	return c.Cause()
}

// echoes proves that a child that echoes is alive.
func (c *child) echoes() error {
	_, _ = c.Stream().Write([]byte("x"))
	_, err := io.ReadFull(c.Stream(), make([]byte, 1))
	return err
}

// alive lists what lives of the child's run, by the kernel's word.
func (c *child) alive() []testkit.Process {
	c.t.Helper()
	found, err := testkit.Processes(testkit.OfRun(c.run))
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

// grows waits until the run has n processes; one that is being exec'd shows no environment for a moment.
func (c *child) grows(n int) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); len(c.alive()) != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("%v is there, want %d processes", c.alive(), n)
		}
	}
}

// gone waits until nothing of the child's run is alive.
func (c *child) gone() {
	c.t.Helper()
	left, err := testkit.WaitGone(patience/4, testkit.OfRun(c.run))
	if err != nil || len(left) > 0 {
		c.t.Errorf("left: %v, %v", left, err)
	}
}
