package treetest

import (
	"strings"
	"testing"
	"time"
)

func TestTreeTheLastRequestSaysHowLongItsWorkerStays(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=2"}, "--keep-alive", "-1")
	d.ask(0, "tok1", "--keep-alive", "-1")
	d.ask(0, "reusing", "--keep-alive", "0")
	if !d.log.Wait("worker-0.1 on localhost exited (stopped)") {
		t.Errorf("it stays:\n%s", d.log)
	}
	if !soon(func() bool { return len(d.workers()) == 0 }) {
		t.Errorf("known: %+v", d.workers())
	}
	// A worker that was to be kept is not: the last wish counts, and a wish is its worker's only.
	d.ask(0, "tok1")
	if f := d.post("hello", map[string]any{"keep_alive": "50ms"}).end(); f.done == nil || !f.hears("reusing worker-0.2") {
		t.Errorf("%+v, said %q", f.failed, f.said)
	}
	if !d.log.Wait("worker-0.2 on localhost exited (stopped)") {
		t.Errorf("it stays:\n%s", d.log)
	}
	d.ask(2, "--keep-alive", "--keep-alive", "-5m")
	if f := d.post("hello", map[string]any{"keep_alive": true}); f.status != 400 {
		t.Errorf("keep_alive true: %d", f.status)
	}
	d.stop(0)
}

// One client's --ctx is not the others': their prompts would be refused for as long as that worker lives.
func TestTreeASmallContextServesOnlyWhoAskedForIt(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, real, nil)
	d.ask(1, "CONTEXT_OVERFLOW", "--ctx", "1")
	d.ask(0, greeting)
	d.ask(1, "CONTEXT_OVERFLOW", "--ctx", "1")
	d.ask(0, greeting)
	d.stop(0)
}

// A worker that has no time to be idle still delivers its answer before it goes.
func TestTreeAWorkerThatIsUnloadedAtOnceHasAnswered(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, real, nil)
	c := d.unix()
	c.Timeout = 20 * time.Second
	defer c.CloseIdleConnections()
	for range 15 {
		a := call(t, c, "POST", "http://queen/v1/chat/completions", `{"model":"demo","messages":[{"role":"user","content":"hello"}],"max_tokens":3,"keep_alive":0}`)
		if a.status != 200 {
			t.Fatalf("%+v", a)
		}
		d.settled()
	}
	d.stop(0)
}

// settled waits until no worker lives.
func (d *daemon) settled() {
	c := d.unix()
	defer c.CloseIdleConnections()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if a := call(d.t, c, "GET", "http://queen/rbee/v1/workers", ""); strings.Contains(a.body, `"workers":[]`) {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatal("a worker stays")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
