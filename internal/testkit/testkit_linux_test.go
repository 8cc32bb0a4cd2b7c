package testkit

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary is its own child process: it does what TESTKIT_CHILD says, prints a line, and ends with its stdin.
func TestMain(m *testing.M) {
	switch do, arg, _ := strings.Cut(os.Getenv("TESTKIT_CHILD"), " "); do {
	case "":
		os.Exit(m.Run())
	case "listen":
		tcp, err1 := net.Listen("tcp4", "127.0.0.1:0")
		tcp6, err2 := net.Listen("tcp6", "[::1]:0")
		unix, err3 := net.Listen("unix", arg)
		udp, err4 := net.ListenPacket("udp4", "127.0.0.1:0")
		client, err5 := net.Dial("tcp", tcp.Addr().String()) // a connection is no listener
		fmt.Println(tcp.Addr(), tcp6.Addr(), unix.Addr(), udp.LocalAddr(), client.LocalAddr(), err1, err2, err3, err4, err5)
	case "parent": // starts a grandchild that outlives it, if its owner wants
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "TESTKIT_CHILD=wait", "RBEE_LIFE=")
		c.Stdin = os.Stdin
		fmt.Println(c.Start(), c.Process.Pid)
		os.Exit(0)
	default:
		fmt.Println("ready")
	}
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

type child struct {
	*exec.Cmd
	end  func() // closes its stdin: it exits
	said string
}

func start(t *testing.T, do, run, life string) child {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "TESTKIT_CHILD="+do, "RBEE_RUN_ID="+run, "RBEE_LIFE="+life, "GORACE=atexit_sleep_ms=0")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return child{c, func() { in.Close() }, strings.TrimSpace(said)}
}

func pids(t *testing.T, match func(Process) bool) []int {
	t.Helper()
	found, err := Processes(match)
	if err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, p := range found {
		ids = append(ids, p.PID)
	}
	return ids
}

func TestAProcessIsFoundByItsRunAndItsLife(t *testing.T) {
	run := "run-" + t.Name()
	before, err := Now()
	if err != nil {
		t.Fatal(err)
	}
	a, b := start(t, "wait", run, "queen.1"), start(t, "wait", run, "queen.1~hive-x.1")
	start(t, "wait", "other-"+t.Name(), "queen.1")
	after, _ := Now()

	if got, want := pids(t, OfRun(run)), []int{a.Process.Pid, b.Process.Pid}; !slices.Equal(got, want) {
		t.Errorf("of the run: %v, want %v", got, want)
	}
	found, _ := Processes(func(p Process) bool { return OfRun(run)(p) && OfLife("queen.1~hive-x.1")(p) })
	if len(found) != 1 || found[0].PID != b.Process.Pid || !strings.Contains(found[0].String(), run) {
		t.Fatalf("of the life: %v", found)
	}
	if s := found[0].Start; s < before || s > after {
		t.Errorf("started at %d, which is not between %d and %d", s, before, after)
	}
}

func TestAZombieIsNotAlive(t *testing.T) {
	run := "run-" + t.Name()
	a := start(t, "wait", run, "")
	a.end()
	left, err := WaitGone(10*time.Second, OfRun(run)) // nobody has reaped it: Wait comes in the clean-up
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if state, _, ok := status(a.Process.Pid); !ok || state != 'Z' {
		t.Errorf("state %c, %v: the test proves nothing", state, ok)
	}
}

func TestWaitGoneNamesWhatIsLeft(t *testing.T) {
	run := "run-" + t.Name()
	a, b := start(t, "wait", run, ""), start(t, "wait", run, "")
	a.end()
	left, err := WaitGone(50*time.Millisecond, OfRun(run))
	for err == nil && len(left) > 1 { // a slow machine: a needs longer to end
		left, err = WaitGone(50*time.Millisecond, OfRun(run))
	}
	if err != nil || len(left) != 1 || left[0].PID != b.Process.Pid {
		t.Errorf("left %v, %v; want pid %d", left, err, b.Process.Pid)
	}
}

func TestAGrandchildWhoseParentIsGoneIsFound(t *testing.T) {
	run := "run-" + t.Name()
	p := start(t, "parent", run, "queen.1")
	p.Process.Wait() // not Cmd.Wait, which would close the grandchild's stdin
	var grandchild int
	if _, err := fmt.Sscanf(p.said, "<nil> %d", &grandchild); err != nil {
		t.Fatalf("the parent said %q", p.said)
	}
	if got := pids(t, OfRun(run)); !slices.Equal(got, []int{grandchild}) {
		t.Errorf("found %v, want %d", got, grandchild)
	}
	p.end()
	if left, err := WaitGone(10*time.Second, OfRun(run)); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestBelowMatchesByTemporaryFolder(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		tmp  string
		want bool
	}{{dir, true}, {filepath.Join(dir, "x"), true}, {dir + "x", false}, {"/", false}, {"", false}} {
		if got := Below(dir)(Process{TempDir: c.tmp}); got != c.want {
			t.Errorf("TMPDIR=%q: %v", c.tmp, got)
		}
	}
}

func TestListenersAreThoseOfTheProcess(t *testing.T) {
	mine, err := net.Listen("tcp4", "127.0.0.1:0") // of another process: must not be listed
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	path := filepath.Join(t.TempDir(), "a b.sock")
	c := start(t, "listen "+path, "run-"+t.Name(), "")
	said := strings.Fields(c.said)
	got, err := Listeners(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	want := []Listener{
		{c.Process.Pid, "tcp", said[0]}, {c.Process.Pid, "tcp6", said[1]},
		{c.Process.Pid, "udp", said[4]}, {c.Process.Pid, "unix", path},
	}
	if !slices.Equal(got, want) {
		t.Errorf("child said %q\ngot  %v\nwant %v", c.said, got, want)
	}
	if got, err := Listeners(1 << 30); err != nil || got != nil {
		t.Errorf("of no process: %v, %v", got, err)
	}
}

func TestLeftoversAreSocketsDatabasesAndUnfinishedFiles(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a.db", "sub/m.gguf.partial", "sub/x.tmp", "sub/m.gguf", "log.txt", "skipped/y.tmp"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o700)
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(dir, "queen.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	left, err := Leftovers(dir, "skipped")
	if want := []string{"a.db", "queen.sock", "sub/m.gguf.partial", "sub/x.tmp"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %v, %v; want %v", left, err, want)
	}
	all, err := Files(filepath.Join(dir, "sub"))
	if want := []string{"m.gguf", "m.gguf.partial", "x.tmp"}; err != nil || !slices.Equal(all, want) {
		t.Errorf("files %v, %v; want %v", all, err, want)
	}
	if none, err := Files(filepath.Join(dir, "nowhere")); err != nil || none != nil {
		t.Errorf("a folder that is not there: %v, %v", none, err)
	}
}

func FuzzListenerTableLine(f *testing.F) {
	f.Add("tcp", "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1588 1 0 100 0 0 10 0")
	f.Add("tcp6", "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1589 1")
	f.Add("unix", "0000: 00000002 00000000 00010000 0001 01 1584 /run/a b")
	f.Fuzz(func(t *testing.T, network, line string) {
		if l, ok := parse(network, line); ok && network != "unix" && l.address == "" {
			t.Errorf("%q listens nowhere", line)
		}
	})
}
