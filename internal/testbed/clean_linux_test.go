package testbed

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// traces are what a bed is, as seen from outside.
type traces struct {
	Processes  []int    // outer pids
	Namespaces []string // as in "net:[4026532001]"
	Leg        int      // index of the interface: its name may be another bed's soon
}

// tracesOf looks at a bed in use.
func tracesOf(t *testing.T, b *Bed, clients ...*exec.Cmd) traces {
	t.Helper()
	all := traces{Leg: must(net.InterfaceByName(b.net.leg()))(t).Index}
	for _, c := range clients {
		all.Processes = append(all.Processes, c.Process.Pid)
	}
	for _, h := range b.Hosts {
		all.Processes = append(all.Processes, h.init.Pid)
		for _, p := range must(h.Processes())(t) {
			all.Processes = append(all.Processes, p.PID)
		}
		for _, kind := range []string{"net", "pid", "mnt", "uts", "ipc"} {
			all.Namespaces = append(all.Namespaces, must(os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", h.init.Pid, kind)))(t))
		}
	}
	return all
}

// use makes a bed with everything that could be left: filters, buckets, a detour, sessions.
func use(t *testing.T) traces {
	b := hosts(t, Spec{}, Spec{})
	clients := []*exec.Cmd{session(t, b, "h1", "r"), session(t, b, "h2", "r")}
	if err := b.Host("h1").Slow(Line{Rate: 1_000_000, Delay: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if err := b.Host("h2").Cut(DropBoth); err != nil {
		t.Fatal(err)
	}
	must(b.Host("h2").Freeze(Any))(t)
	return tracesOf(t, b, clients...)
}

// gone waits until nothing of a bed is there, as long as the kernel may take.
func (all traces) gone(t *testing.T) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(5 * time.Second); ; <-look.C {
		left := all.left(t)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: %v", left)
		}
	}
}

func (all traces) left(t *testing.T) (left []string) {
	t.Helper()
	used := map[string]bool{}
	for _, path := range must(filepath.Glob("/proc/[0-9]*/ns/*"))(t) {
		ns, _ := os.Readlink(path)
		used[ns] = true
	}
	for _, ns := range all.Namespaces {
		if used[ns] {
			left = append(left, ns)
		}
	}
	for _, pid := range all.Processes {
		if p, ok := readProcess(pid); ok {
			left = append(left, p.String())
		}
	}
	if leg, err := net.InterfaceByIndex(all.Leg); err == nil {
		left = append(left, leg.Name)
	}
	return left
}

// shared is what beds must not touch at all: filters and mounts that all of the machine sees.
func shared(t *testing.T) string {
	t.Helper()
	seen := must(tool("", "nft", "list", "tables"))(t)
	for line := range strings.Lines(must(read("/proc/self/mountinfo"))(t)) {
		if !strings.Contains(line, " /run/netns") { // where others keep namespaces that have names
			seen += line
		}
	}
	return seen
}

func TestABedLeavesNothing(t *testing.T) {
	before := shared(t)
	var all traces
	t.Run("in use", func(t *testing.T) { all = use(t) })
	if left := all.left(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if after := shared(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestAKilledTestLeavesNothing(t *testing.T) {
	t.Parallel()
	if os.Getenv("TESTBED_OWNER") != "" {
		json.NewEncoder(os.Stdout).Encode(use(t))
		io.Copy(io.Discard, os.Stdin) // until the test kills this process
		return
	}
	before := shared(t)
	c := exec.Command(must(os.Executable())(t), "-test.run", "^"+t.Name()+"$")
	c.Env = append(os.Environ(), "TESTBED_OWNER=1", "TMPDIR="+t.TempDir())
	c.Stderr = os.Stderr
	stdin, err1 := c.StdinPipe()
	stdout, err2 := c.StdoutPipe()
	if err1 != nil || err2 != nil || c.Start() != nil {
		t.Fatal(err1, err2)
	}
	defer stdin.Close()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	var all traces
	if err != nil || json.Unmarshal([]byte(line), &all) != nil || len(all.Processes) < 8 {
		c.Process.Kill()
		c.Wait()
		t.Fatalf("%v: %s", err, line)
	}
	if left := all.left(t); len(left) != len(all.Processes)+len(all.Namespaces)+1 {
		t.Errorf("of %v this looks alive: %v", all, left)
	}
	c.Process.Kill()
	c.Wait()
	all.gone(t)
	if after := shared(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// bareInit starts an init that waits for its plan.
func bareInit(t *testing.T, s *spawner, owner string) *os.Process {
	t.Helper()
	if !privileged() {
		t.Skip("left out, since it needs root: hosts of their own")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := must(s.init(os.Stderr, r, owner))(t)
	t.Cleanup(func() {
		w.Close()
		p.Kill()
		p.Wait()
	})
	return p
}

// killed waits for p to end.
func killed(t *testing.T, p *os.Process) syscall.WaitStatus {
	t.Helper()
	limit := time.AfterFunc(5*time.Second, func() {
		t.Error("it did not end by itself")
		p.Kill()
	})
	defer limit.Stop()
	return must(p.Wait())(t).Sys().(syscall.WaitStatus)
}

// The two ways in which a host learns that its owner is dead, each without the other.
func TestAHostEndsWithItsControlSocket(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	h := b.Host("h1")
	session(t, b, "h1", "r")
	all := tracesOf(t, b)
	h.control.Close()
	if status := killed(t, h.init); !status.Exited() || status.ExitStatus() != 0 {
		t.Errorf("%v", status)
	}
	h.init = nil // waited for
	for _, pid := range all.Processes {
		if p, ok := readProcess(pid); ok {
			t.Errorf("left: %v", p)
		}
	}
}

func TestAnInitEndsWithTheThreadThatStartedIt(t *testing.T) {
	s := newSpawner()
	p := bareInit(t, s, owner(os.Getpid()))
	s.close()
	if status := killed(t, p); status.Signal() != unix.SIGKILL {
		t.Errorf("%v", status)
	}
}

func TestWhatABedStartsForATestEndsWithIt(t *testing.T) {
	c := exec.Command("sleep", "1000")
	t.Run("in use", func(t *testing.T) {
		if err := New(t).Start(c); err != nil { // with and without root
			t.Fatal(err)
		}
	})
	if status := killed(t, c.Process); status.Signal() != unix.SIGKILL {
		t.Errorf("%v", status)
	}
}

func TestANewBedEndsWhatADeadOneLeft(t *testing.T) {
	s := newSpawner()
	defer s.close()
	old := bareInit(t, s, "1@1")
	current := bareInit(t, s, owner(os.Getpid()))
	hosts(t)
	if status := killed(t, old); status.Signal() != unix.SIGKILL {
		t.Errorf("%v", status)
	}
	if p, ok := readProcess(current.Pid); !ok || p.State == 'Z' {
		t.Error("what belongs to a living owner was ended")
	}
}

func TestBedsOfOneMachineDoNotMeet(t *testing.T) {
	t.Parallel()
	a, b := hosts(t), hosts(t)
	if a.Host("h1").Addr == b.Host("h1").Addr {
		t.Fatal("the same address")
	}
	for _, bed := range []*Bed{a, b} {
		if got := ssh(t, bed, "h1", "hostname -I 2>/dev/null || true; echo $SSH_CONNECTION | cut -d' ' -f3"); !strings.HasSuffix(got, bed.Host("h1").Addr) {
			t.Errorf("%q is not %s", got, bed.Host("h1").Addr)
		}
	}
	if out, err := a.Host("h1").Exec("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=2", b.Host("h1").Addr, "true"); err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("one bed reaches the other: %v %s", err, out)
	}
}
