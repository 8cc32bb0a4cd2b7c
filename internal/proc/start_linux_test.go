package proc

import (
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAChildIsTheHeadOfAGroupOfItsOwn(t *testing.T) {
	c := another(t, "echo")
	st, err := readStat(c.PID)
	if err != nil || st.pgid != c.PID || st.ppid != os.Getpid() || st.start != c.Start || c.Start == 0 {
		t.Errorf("%+v, %v; identity %v", st, err, c.Identity)
	}
	if err := c.echoes(); err != nil || c.Cause() != "" {
		t.Errorf("%v, cause %q while it runs", err, c.Cause())
	}
}

func TestTheCauseOfAnEndIsTheKernelsWord(t *testing.T) {
	if got := shell(t, "exit 3").wait(); got != "exit status 3" {
		t.Errorf("%q", got)
	}
	c := another(t, "echo")
	c.Signal(syscall.SIGTERM)
	if got := c.wait(); got != "signal: terminated" {
		t.Errorf("%q", got)
	}
}

func TestASignalReachesTheWholeGroup(t *testing.T) {
	c := shell(t, "sleep 300 & echo started >&2; wait")
	c.line()
	c.grows(2)
	c.Signal(syscall.SIGKILL)
	c.wait()
	c.gone()
}

func TestWhatIsLeftOfAGroupEndsWithItsHead(t *testing.T) {
	c := shell(t, "sleep 300 & exit 0")
	if got := c.wait(); got != "exit status 0" {
		t.Errorf("%q", got)
	}
	c.gone()
}

// A pid may belong to somebody else by the time it is used: here it does.
func TestASignalToAReapedChildHitsNobody(t *testing.T) {
	stranger := another(t, "echo")
	reaped := &Process{Identity: stranger.Identity}
	reaped.Signal(syscall.SIGKILL)
	if err := stranger.echoes(); err != nil {
		t.Errorf("the stranger is dead: %v", err)
	}
	gone := shell(t, "exit 0")
	gone.wait()
	spawned.Lock()
	defer spawned.Unlock()
	if spawned.m[gone.PID] != nil || spawned.m[stranger.PID] != stranger.Process {
		t.Errorf("children that are known: %v", spawned.m)
	}
}

func TestAChildDiesWithItsOwner(t *testing.T) {
	c := another(t, "owner")
	grandchild, err := ParseIdentity(c.line())
	if err != nil || !grandchild.Alive() {
		t.Fatalf("%v, %v", grandchild, err)
	}
	_ = syscall.Kill(c.PID, syscall.SIGSTOP) // only the parent-death signal can act now
	_ = syscall.Kill(c.PID, syscall.SIGKILL)
	c.wait()
	c.gone()
}

// The parent-death signal belongs to the thread that forked; threads come and go.
func TestAChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	var c *child
	tid := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		c = start(t, Command{Path: self(), Env: []string{envChild + "=echo"}, OwnerDeath: syscall.SIGKILL})
		tid <- unix.Gettid()
	}()
	thread := "/proc/self/task/" + strconv.Itoa(<-tid)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(thread); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the thread does not end")
		}
	}
	if err := c.echoes(); err != nil {
		t.Errorf("the child ended with the thread: %v, %s", err, c.wait())
	}
}

func TestKillAllEndsEveryChild(t *testing.T) {
	a, b := another(t, "echo"), another(t, "echo")
	KillAll()
	if a, b := a.wait(), b.wait(); a != "signal: killed" || b != "signal: killed" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestCloseOfAStreamUnblocksItsReader(t *testing.T) {
	c := another(t, "echo")
	read := make(chan error)
	go func() { _, err := c.Stream().Read(make([]byte, 1)); read <- err }()
	c.Stream().Close()
	select {
	case err := <-read:
		if err == nil {
			t.Error("it read something")
		}
	case <-time.After(patience):
		t.Fatal("it still reads")
	}
	if got := c.wait(); got != "exit status 0" {
		t.Errorf("the child did not see the end of its stdin: %q", got)
	}
}

func TestReleaseReadsTheLastWordsAndDoesNotWaitForWhoHoldsThePipe(t *testing.T) {
	c := shell(t, "setsid sh -c 'echo held >&2; sleep 300' & read x; echo last words >&2")
	if got := c.line(); got != "held" {
		t.Fatalf("%q", got)
	}
	c.Stream().Close()
	c.wait()
	c.grows(2) // who hold the pipe
	c.Release()
	done := make(chan string)
	go func() { b, _ := io.ReadAll(c.Stderr()); done <- string(b) }()
	select {
	case words := <-done:
		// The scanner of line may have read them ahead.
		if c.lines.Scan(); words+c.lines.Text() != "last words\n" && c.lines.Text() != "last words" {
			t.Errorf("%q, %q", words, c.lines.Text())
		}
	case <-time.After(patience / 4):
		t.Fatal("stderr is still read")
	}
}

// Else one child could hold, or read, the stream of another.
func TestAChildGetsNoDescriptorOfAnotherOne(t *testing.T) {
	before := descriptors()
	another(t, "echo")
	of := slices.DeleteFunc(descriptors(), func(to string) bool { return !strings.HasPrefix(to, "pipe:") || slices.Contains(before, to) })
	if len(of) != 3 {
		t.Fatalf("%v for the first child, want three pipes", of)
	}
	theirs := another(t, "fds").line()
	for _, pipe := range of {
		if strings.Contains(theirs, pipe) {
			t.Errorf("the second child has %s of the first: %s", pipe, theirs)
		}
	}
}

func TestAWholeLifeLeavesNoDescriptor(t *testing.T) {
	life := func(path string) {
		p, err := Start(Command{Path: path, Args: []string{"-c", "exit 0"}})
		if err != nil {
			return
		}
		<-p.Exited()
		p.Release()
		p.Stderr().Close()
	}
	life("/bin/sh")
	before := len(descriptors())
	for range 10 {
		life("/bin/sh")
		life("/no/such/program")
	}
	if after := len(descriptors()); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestWhatCannotBeStartedIsNamed(t *testing.T) {
	if _, err := Start(Command{Path: "/no/such/program"}); err == nil || !strings.Contains(err.Error(), "cannot start /no/such/program") {
		t.Errorf("%v", err)
	}
}

func TestEnvironmentIsReplacedByName(t *testing.T) {
	t.Setenv("RBEE_TEST_X", "old")
	t.Setenv("RBEE_TEST_XY", "kept")
	env := environ([]string{"RBEE_TEST_X=new", "RBEE_TEST_Z="})
	var got []string
	for _, kv := range env {
		if strings.HasPrefix(kv, "RBEE_TEST_") {
			got = append(got, kv)
		}
	}
	slices.Sort(got)
	if s := strings.Join(got, " "); s != "RBEE_TEST_X=new RBEE_TEST_XY=kept RBEE_TEST_Z=" {
		t.Errorf("%s", s)
	}
}
