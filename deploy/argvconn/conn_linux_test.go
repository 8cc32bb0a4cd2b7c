package argvconn

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"rbee/deploy/remote"
	"rbee/internal/fault"
)

// family starts a command that starts another, and ignores SIGTERM; it returns both, to be watched.
func family(t *testing.T, c *Conn) (remote.Session, []int) {
	t.Helper()
	s := start(t, c, "sh", script(t, "trap '' TERM; sleep 60 & echo $$ $!; wait"))
	var pids [2]int
	if _, err := fmt.Fscan(s, &pids[0], &pids[1]); err != nil {
		t.Fatal(err)
	}
	return s, []int{watched(t, pids[0]), watched(t, pids[1])}
}

// watched is a process that cannot be confused with a later one of the same pid.
func watched(t *testing.T, pid int) (fd int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// gone waits, a short while, for the kernel to say that the processes ended.
func gone(t *testing.T, fds ...int) {
	t.Helper()
	for _, fd := range fds {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
		if n != 1 || err != nil {
			t.Errorf("a process is still there: %d, %v", n, err)
		}
	}
}

func TestCloseEndsTheWholeGroup(t *testing.T) {
	c := connect(t, "env")
	s, pids := family(t, c)
	waiting := make(chan error, 1)
	go func() {
		_, err := s.Read(make([]byte, 1))
		waiting <- err
	}()
	s.Close()
	if err := <-waiting; err == nil {
		t.Error("a read of a closed session is no error")
	}
	<-s.Done()
	gone(t, pids...)
	if s.Exit().Signal != "KILL" {
		t.Error(s.Exit())
	}
}

func TestClosingTheWayEndsEveryCommand(t *testing.T) {
	c := connect(t, "env")
	a, first := family(t, c)
	b, second := family(t, c)
	select {
	case <-c.Lost():
		t.Error("lost before it was closed")
	default:
	}
	c.Close()
	c.Close()
	<-c.Lost()
	<-a.Done()
	<-b.Done()
	gone(t, first...)
	gone(t, second...)
	if _, err := c.Start(t.Context(), []string{"true"}); fault.CodeOf(err) != fault.NodeLost {
		t.Error(err)
	}
}

func TestTheProgramDiesWithUs(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ARGVCONN_OWNER=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	program := watched(t, pid)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	gone(t, program)
}
