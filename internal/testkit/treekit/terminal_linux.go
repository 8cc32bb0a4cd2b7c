package treekit

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is a program on a terminal of its own: what is typed goes to it, Ctrl-C (\x03) is a signal to it.
type Terminal struct {
	t      *testing.T
	Cmd    *exec.Cmd
	Screen *Watched // stdout and stderr, as the terminal shows them
	keys   *os.File
}

// OnTerminal starts a program on a new terminal, in a session of its own.
func OnTerminal(t *testing.T, env []string, line ...string) *Terminal {
	t.Helper()
	master, slave, err := openTerminal()
	if err != nil {
		t.Fatal(err)
	}
	r := &Terminal{t: t, Cmd: exec.Command(line[0], line[1:]...), keys: master}
	r.Cmd.Env = append(env, "TERM=xterm")
	r.Cmd.Stdin, r.Cmd.Stdout, r.Cmd.Stderr = slave, slave, slave
	r.Cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = r.Cmd.Start()
	slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	r.Screen = Watch(master)
	t.Cleanup(func() {
		_ = r.Cmd.Process.Kill() // it has ended, unless the test failed
		master.Close()
	})
	return r
}

func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120})
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("cannot open a terminal: %w", err)
	}
	return master, slave, nil
}

// Type types.
func (r *Terminal) Type(keys string) {
	r.t.Helper()
	if _, err := r.keys.WriteString(keys); err != nil {
		r.t.Fatal(err)
	}
}

// patience is how long a screen may take to show something: a test that waits longer has failed, and says what it saw.
const patience = 30 * time.Second

func (r *Terminal) until(shown func(screen string) bool, what string, args ...any) {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if shown(r.Screen.String()) {
			return
		}
	}
	r.t.Fatalf(what+":\n%s", append(args, r.Screen)...)
}

// See waits until the screen has shown text n times since the start.
func (r *Terminal) See(text string, n int) {
	r.t.Helper()
	r.until(func(s string) bool { return strings.Count(s, text) >= n }, "the screen never showed %q %d times", text, n)
}

// Prompted waits until mark is shown behind the last of what was shown so far as after: the program then reads a line.
// ("" is the beginning.)
func (r *Terminal) Prompted(mark, after string) {
	r.t.Helper()
	r.until(func(s string) bool {
		i := strings.LastIndex(s, after)
		if after == "" {
			i = 0
		}
		return i >= 0 && strings.Contains(s[i:], mark)
	}, "no %q came after %q", mark, after)
}

// Exit waits for the end and returns the exit code.
func (r *Terminal) Exit() int {
	_ = r.Cmd.Wait() // the code says it
	return r.Cmd.ProcessState.ExitCode()
}
