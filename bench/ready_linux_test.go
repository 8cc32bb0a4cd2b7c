package bench

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"rbee/internal/proc"
	"rbee/internal/testkit"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

func init() {
	roles["child"] = child
	roles["pipe"] = func() int { // a process that says it is ready as plainly as can be
		fmt.Print(time.Now().UnixNano())
		return 0
	}
}

// child is a process of the tree that has nothing to do: it says when it is ready, to its stderr the time and to its
// owner the message, and stops when it is told to.
func child() int {
	self, err := supervisor.Adopt()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ep, err := transport.NewEndpoint(self.Boot.GetAddress(), transport.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	done := make(chan *messages.Stopped, 1)
	_, err = ep.System.Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
		if _, ok := c.Message().(*messages.Shutdown); ok {
			self.Tell(&messages.Stopping{})
			done <- &messages.Stopped{}
		}
	}), transport.RootID)
	if err == nil {
		err = self.Join(ep)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Fprintln(os.Stderr, "ready", time.Now().UnixNano())
	self.Tell(&messages.Ready{})
	return self.Live(done, func(os.Signal) {})
}

// owner is this process as the owner of children.
type owner struct {
	ep    *transport.Endpoint
	pid   *actor.PID
	up    chan time.Time // LinkUp
	down  chan supervisor.LinkDown
	lives atomic.Int64
}

func newOwner(b *testing.B) *owner {
	b.Helper()
	_ = proc.BecomeSubreaper() // as every owner; without it a child's death is seen all the same
	ep, err := transport.NewEndpoint("queen.1", transport.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ep.Close() })
	o := &owner{ep: ep, up: make(chan time.Time, 1), down: make(chan supervisor.LinkDown, 1)}
	o.pid = ep.System.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case supervisor.LinkUp:
			o.up <- time.Now()
		case supervisor.LinkDown:
			o.down <- m
		}
	}))
	return o
}

// start starts a child and returns when its link is up.
func (o *owner) start(b *testing.B, program string, boot *messages.Boot, env []string, log func(string)) (l *supervisor.Link, up time.Time) {
	b.Helper()
	launched, err := supervisor.Launch(supervisor.Spec{Kind: "worker", Program: program, Address: transport.Join("queen.1", "child", int(o.lives.Add(1))),
		Owner: "queen.1", Run: supervisor.NewRun(), Spawner: supervisor.Local{}, Death: syscall.SIGKILL, Boot: boot, Env: env, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	l = launched.Attach(o.ep, o.pid)
	select {
	case up = <-o.up:
	case d := <-o.down:
		b.Fatalf("the child did not come up: %v", d.Err)
	}
	return l, up
}

// end ends a child and returns when all of it is gone.
func (o *owner) end(b *testing.B, l *supervisor.Link) {
	b.Helper()
	o.ep.System.Root.Send(l.PID, supervisor.KillLink{Cause: "measured"})
	<-o.down
	if left, err := testkit.Processes(testkit.OfRun(l.Run)); err != nil || len(left) > 0 {
		b.Fatalf("left: %v, %v", left, err)
	}
}

// BenchmarkReady is from the moment in which a child says that it is ready until its owner is told LinkUp: the message
// opens the child's first stream to its owner, and travels through the link as all others do. Nobody polls. Beside it
// the same word through a plain pipe; alternated. Goal: 5 ms at most.
func BenchmarkReady(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	o := newOwner(b)
	for b.Loop() {
		all := samples{}
		for range *runs {
			said := make(chan int64, 1)
			l, up := o.start(b, filepath.Base(exe), &messages.Boot{}, []string{role + "=child"}, func(line string) {
				var at int64
				if n, _ := fmt.Sscanf(line, "ready %d", &at); n == 1 {
					said <- at
				}
			})
			all.add("ready", up.Sub(time.Unix(0, <-said)))
			o.end(b, l)
			all.add("pipe", throughPipe(b, exe))
		}
		all.report(b, "ready", "pipe")
		b.ReportMetric(all.at("ready", 95), "ready-p95-ms")
		atMost(b, "child ready > parent knows", "ms", 5, all.ms("ready"))
	}
	b.ReportMetric(0, "ns/op")
}

func throughPipe(b *testing.B, exe string) time.Duration {
	b.Helper()
	c := exec.Command(exe)
	c.Env = append(os.Environ(), role+"=pipe")
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	word := make([]byte, 19)
	_, err = io.ReadFull(out, word)
	now := time.Now().UnixNano()
	if err != nil {
		b.Fatal(err)
	}
	c.Wait()
	var at int64
	fmt.Sscan(string(word), &at)
	return time.Duration(now - at)
}

// BenchmarkWorkerMemory is what llm-worker-rbee holds with the engine's libraries open and no model: its link is up, and
// it waits for the first byte of the model's file, which is a pipe. Resident memory counts the pages of the libraries,
// which all workers share; pss is its part of those, anon what is its own. Goal: 30 MB at most, resident.
func BenchmarkWorkerMemory(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	// Children are found beside their owner's executable.
	const program = "llm-worker-rbee"
	beside := filepath.Join(filepath.Dir(exe), program)
	if err := os.Symlink(filepath.Join(bin, program), beside); err != nil {
		b.Fatal(err)
	}
	defer os.Remove(beside)
	o := newOwner(b)
	for b.Loop() {
		model := filepath.Join(b.TempDir(), "m.gguf")
		if err := syscall.Mkfifo(model, 0o600); err != nil {
			b.Fatal(err)
		}
		l, _ := o.start(b, program, &messages.Boot{Role: &messages.Boot_Worker{Worker: &messages.WorkerConfig{ModelPath: model, Slots: 1}}}, nil, nil)
		pipe, err := os.OpenFile(model, os.O_WRONLY, 0) // returns when the worker has opened it
		if err != nil {
			b.Fatal(err)
		}
		m := memory(b, int(l.Processes()[0].GetPid()))
		b.ReportMetric(m["Rss"], "rss-MB")
		b.ReportMetric(m["Pss"], "pss-MB")
		b.ReportMetric(m["Anonymous"], "anon-MB")
		atMost(b, "memory of a worker without a model, resident", "MB", 30, m["Rss"])
		o.end(b, l)
		pipe.Close()
	}
	b.ReportMetric(0, "ns/op")
}

// memory reads smaps_rollup (proc(5)), in MB.
func memory(b *testing.B, pid int) map[string]float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		var kb float64
		name, value, _ := strings.Cut(line, ":")
		if n, _ := fmt.Sscanf(value, "%f kB", &kb); n == 1 {
			all[name] = kb / 1024
		}
	}
	return all
}
