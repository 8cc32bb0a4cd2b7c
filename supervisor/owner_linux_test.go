package supervisor

import (
	"flag"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"rbee/internal/proc"
	"rbee/internal/testkit"
	"rbee/internal/transport"
	"rbee/messages"
)

const (
	lease = time.Second
	grace = time.Second
	// patience is how long a test waits for what must come; a noisy machine is no failure.
	patience = 20 * time.Second
)

func TestMain(m *testing.M) {
	if child, ok := children[os.Getenv(envChild)]; ok {
		os.Exit(child())
	}
	if err := proc.BecomeSubreaper(); err != nil {
		panic(err)
	}
	_ = flag.Set("test.parallel", "8") // these tests wait more than they compute
	code := m.Run()
	if e := endpointUsed.Load(); e != nil {
		e.Close()
	}
	// The thread that starts processes never ends.
	testkit.VerifyNoLeaks(code, patience, goleak.IgnoreTopFunction("rbee/internal/proc.onSpawner.func1.1"))
}

// endpoint is this process's one actor system, as every process has one.
var (
	endpointOnce sync.Once
	endpointUsed atomic.Pointer[transport.Endpoint]
	lives        atomic.Int64
)

func endpoint() *transport.Endpoint {
	endpointOnce.Do(func() {
		e, err := transport.NewEndpoint("queen.1", transport.Options{})
		if err != nil {
			panic(err)
		}
		endpointUsed.Store(e)
	})
	return endpointUsed.Load()
}

// spec is how every test here starts a child: this test binary, which becomes the child of that name.
func spec(owner, run, child string) Spec {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Spec{Kind: "worker", Program: filepath.Base(exe), Address: transport.Join(owner, "child", int(lives.Add(1))), Owner: owner, Run: run,
		Spawner: Local{}, Death: syscall.SIGKILL, Lease: lease, Boot: &messages.Boot{}, Env: []string{envChild + "=" + child}}
}

// watched is a link and what it tells its owner.
type watched struct {
	*Link
	t    *testing.T
	told chan any
	log  chan string
	// ended says that LinkDown was read.
	ended bool
}

// start starts a child and proves at the end, by the kernel's word, that nothing of its run is left.
func start(t *testing.T, child string, change ...func(*Spec)) *watched {
	t.Helper()
	ep, run := endpoint(), NewRun()
	w := &watched{t: t, told: make(chan any, 100), log: make(chan string, 100)}
	owner := ep.System.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		switch c.Message().(type) {
		case LinkUp, LinkLost, LinkDown, FromChild, Below:
			w.told <- c.Message()
		}
	}))
	s := spec(ep.Address(), run, child)
	s.Log = func(line string) {
		select {
		case w.log <- line:
		default: // nobody waits for it
		}
	}
	for _, f := range change {
		f(&s)
	}
	l, err := Launch(s)
	if err != nil {
		t.Fatal(err)
	}
	w.Link = l.Attach(ep, owner)
	t.Cleanup(func() {
		ep.System.Root.Send(w.PID, KillLink{"the test is over"})
		// Before LinkDown was sent everything was gone already: this wait is for nothing when all is well.
		left, err := testkit.WaitGone(patience, testkit.OfRun(run))
		if err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
		_ = ep.System.Root.PoisonFuture(owner).Wait()
		close(w.told)
		for m := range w.told {
			if _, again := m.(LinkDown); again && w.ended {
				t.Error("LinkDown came twice")
			}
		}
	})
	return w
}

// next waits for the next thing of that type that the owner is told.
func next[T any](w *watched) T {
	w.t.Helper()
	after := time.After(patience)
	for {
		select {
		case m := <-w.told:
			if got, ok := m.(T); ok {
				return got
			}
			if d, over := m.(LinkDown); over {
				w.t.Fatalf("down before it: %q, %v", d.Cause, d.Err)
			}
		case <-after:
			var want T
			w.t.Fatalf("%T did not come in %v; stderr: %q", want, patience, w.LastWords())
		}
	}
}

// down waits for the end, at which nothing of the run may be alive any more, and for silence after it.
func (w *watched) down() LinkDown {
	w.t.Helper()
	d := next[LinkDown](w)
	w.ended = true
	alive, err := testkit.Processes(testkit.OfRun(w.Run))
	if err != nil || len(alive) > 0 {
		w.t.Errorf("LinkDown, but %v is alive, %v", alive, err)
	}
	if len(d.Ends) == 0 || d.Ends[0].Address != w.Address || d.Link != w.Link {
		w.t.Fatalf("LinkDown of somebody else: %+v", d)
	}
	return d
}

// says waits for a line of the child's stderr.
func (w *watched) says(line string) {
	w.t.Helper()
	after := time.After(patience)
	for {
		select {
		case got := <-w.log:
			if got == line {
				return
			}
		case <-after:
			w.t.Fatalf("the child did not say %q", line)
		}
	}
}

func (w *watched) tell(m any) { w.ep.System.Root.Send(w.PID, m) }

func (w *watched) stop() { w.tell(StopLink{Grace: grace, Cause: "test"}) }
