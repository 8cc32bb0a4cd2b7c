package install

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"rbee/deploy/remote"
)

// local is a way to a node that is a folder of this machine: commands are real processes which start in it, with an
// environment of their own. Either they are executed as they are (as `docker exec -i box` does), or joined by blanks
// for a login shell (as sshd does).
type local struct {
	home  string
	env   []string
	shell string   // "" = executed as they are
	ns    []string // what brings a command into the node's namespace
	limit int64    // bytes of stdin after which the way is cut; 0 = never

	once sync.Once
	lost chan struct{}
	mu   sync.Mutex
	all  []*process
}

// flavours are the ways a node may take its commands.
var flavours = []string{"", "/bin/sh", "/bin/bash", "/bin/csh", "/usr/bin/fish"}

func flavour(shell string) string {
	if shell == "" {
		return "exec"
	}
	return shell[strings.LastIndexByte(shell, '/')+1:]
}

// node is a fresh home folder, and a way to run commands there.
func node(t testing.TB, shell string, env ...string) *local {
	t.Helper()
	if shell != "" {
		if _, err := os.Stat(shell); err != nil {
			t.Fatalf("%v (Debian: apt-get install bash csh fish)", err)
		}
	}
	home := t.TempDir()
	env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "SHELL=" + shell, "LC_ALL=C"}, env...)
	c := &local{home: home, env: env, shell: shell, lost: make(chan struct{})}
	t.Cleanup(func() {
		c.Close()
		for _, p := range c.all {
			<-p.done
		}
	})
	return c
}

type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *os.File
	stderr *os.File
	left   *int64
	conn   *local
	done   chan struct{}
	err    error
}

func (c *local) Start(ctx context.Context, words []string) (remote.Session, error) {
	if err := remote.CheckWords(words); err != nil {
		return nil, err
	}
	argv := append([]string{"/usr/bin/env"}, words...) // looks the first word up in the node's own PATH
	if c.shell != "" {
		argv = []string{c.shell, "-c", strings.Join(words, " ")}
	}
	argv = append(c.ns[:len(c.ns):len(c.ns)], argv...)
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), conn: c, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = c.home, c.env
	if c.limit > 0 {
		left := c.limit
		p.left = &left
	}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.stdout, p.stderr, p.cmd.Stdout, p.cmd.Stderr = outR, errR, outW, errW
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	outW.Close()
	errW.Close()
	c.mu.Lock()
	c.all = append(c.all, p)
	c.mu.Unlock()
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (c *local) Lost() <-chan struct{} { return c.lost }
func (c *local) String() string        { return "user@node" }

// Close is what a lost connection is to a node: the ends of all pipes.
func (c *local) Close() error {
	c.once.Do(func() {
		close(c.lost)
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, p := range c.all {
			p.Close()
		}
	})
	return nil
}

// last is the command that was started last.
func (c *local) last() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[len(c.all)-1]
}

func (p *process) Read(b []byte) (int, error) { return p.stdout.Read(b) }

func (p *process) Write(b []byte) (int, error) {
	if p.left == nil {
		return p.stdin.Write(b)
	}
	n, err := p.stdin.Write(b[:min(int64(len(b)), *p.left)])
	if *p.left -= int64(n); *p.left == 0 && err == nil {
		p.conn.Close()
		err = io.ErrClosedPipe
	}
	return n, err
}

func (p *process) CloseWrite() error     { return p.stdin.Close() }
func (p *process) Stderr() io.Reader     { return p.stderr }
func (p *process) Done() <-chan struct{} { return p.done }
func (p *process) Close() error {
	return errors.Join(p.stdin.Close(), p.stdout.Close(), p.stderr.Close())
}
func (p *process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

func (p *process) Exit() remote.Exit {
	var exit *exec.ExitError
	switch {
	case p.err == nil:
		return remote.Exit{Known: true}
	case !errors.As(p.err, &exit):
		return remote.Exit{Err: p.err}
	case exit.Sys().(syscall.WaitStatus).Signaled():
		return remote.Exit{Known: true, Signal: exit.Sys().(syscall.WaitStatus).Signal().String()}
	}
	return remote.Exit{Known: true, Code: exit.ExitCode()}
}

// run starts words and waits for their end; it returns what they said.
func run(t testing.TB, c *local, words ...string) (stdout, stderr string, exit remote.Exit) {
	t.Helper()
	s, err := c.Start(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.CloseWrite()
	said := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(s.Stderr())
		said <- string(b)
	}()
	out, _ := io.ReadAll(s)
	stderr = <-said
	<-s.Done()
	return string(out), stderr, s.Exit()
}
