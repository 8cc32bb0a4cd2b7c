package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
	"rbee/internal/telemetry"
	"rbee/messages"
)

// testParts put a queen without processes below the command. RBEE_TEST_QUEEN says how it behaves: an answer of
// scenarios, a colon, and how it stops. Without it, starting one is an error that a script sees.
func testParts() parts {
	return parts{startQueen: startTestQueen, doctor: testDoctor, nodes: testNodes()}
}

// testNodes know an ssh config with one Host, a daemon that is connected to mac, and that anything with an @ can be
// reached, if RBEE_TEST_NODES is set.
func testNodes() nodeParts {
	if os.Getenv("RBEE_TEST_NODES") == "" {
		return nodeParts{}
	}
	return nodeParts{
		others: func() []otherNode {
			return []otherNode{{"attic", "me@attic.example", "ssh config"}, {"mac", "other", "ssh config"}}
		},
		states:    func(context.Context) map[string]nodeState { return map[string]nodeState{"mac": {"connected"}} },
		reachable: func(name string) bool { return strings.Contains(name, "@") },
	}
}

// testDoctor finds as many leftovers as RBEE_TEST_LEFT says.
func testDoctor(_ context.Context, out io.Writer, fix bool) (int, error) {
	left, _ := strconv.Atoi(os.Getenv("RBEE_TEST_LEFT"))
	switch {
	case left == 0:
		fmt.Fprintln(out, "nothing is left")
	case fix:
		fmt.Fprintf(out, "ended %d\n", left)
		left = 0
	default:
		fmt.Fprintf(out, "%d are left\n", left)
	}
	return left, nil
}

// workerSpans are what a worker below would have recorded for a request.
func workerSpans(traceparent string) []byte {
	t := telemetry.Start(telemetry.Options{Service: "llm-worker-rbee", Enabled: true, Traceparent: traceparent})
	_, span := t.Tracer().Start(t.Context(context.Background()), telemetry.SpanDecode)
	span.End()
	return t.Drain()
}

func startTestQueen(_ context.Context, o queenOptions) (queen, error) {
	answer, end, _ := strings.Cut(os.Getenv("RBEE_TEST_QUEEN"), ":")
	if answer == "" {
		return nil, fault.New(fault.QueenStartFailed, "a queen was started, and none should be")
	}
	if _, err := os.Stat(o.LogDir); err != nil || o.RunID == "" {
		return nil, fault.New(fault.Internal, "no log folder, or no run id: %v", err)
	}
	dir, err := os.MkdirTemp("", "q")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", filepath.Join(dir, "q"))
	if err != nil {
		return nil, err
	}
	q := &testQueen{dir: dir, end: end, narrate: o.Narrate, gone: make(chan struct{}), killed: make(chan struct{})}
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		if o.Spans != nil {
			o.Spans(workerSpans(s.Request.GetTraceparent()))
		}
		scenarios[answer](s)
	}}
	if answer == "die" {
		b.Play = func(s *gatewaytest.Stream) {
			s.Tokens("one", " two")
			for s.Credit() < 2 { // until they have left
				time.Sleep(time.Millisecond)
			}
			q.server.Close()
			close(q.gone)
		}
	}
	q.server = gateway.NewServer(gateway.Handler(b, gateway.Options{}))
	q.client = api.DialUnix(filepath.Join(dir, "q"))
	go func() { _ = q.server.Serve(l) }()
	if end == "halfway" {
		return q, fault.New(fault.QueenStartFailed, "the queen fell over while it started")
	}
	return q, nil
}

type testQueen struct {
	dir, end string
	server   *http.Server
	client   *http.Client
	narrate  func(api.Narration)
	gone     chan struct{}
	killed   chan struct{}
	kill     sync.Once
}

func (q *testQueen) Client() *http.Client  { return q.client }
func (q *testQueen) Gone() <-chan struct{} { return q.gone }
func (q *testQueen) Err() error {
	return fault.New(fault.QueenLost, "the queen died: signal: killed").WithHint("run the command again")
}

func (q *testQueen) Stop(_ context.Context, grace time.Duration, cause string) api.Receipt {
	defer os.RemoveAll(q.dir)
	q.narrate(api.Narration{Source: "queen-rbee", Kind: "stop", Text: "stopping 1 hive: " + cause + ", grace " + grace.String()})
	q.server.Close()
	p := api.Process{Name: "queen-rbee", PID: 42, Host: "here", Started: time.Unix(1700000000, 0).UTC(), Cause: "stopped", TookMS: 1}
	r := api.Receipt{Clean: true, TookMS: 38, Processes: []api.Process{p}}
	switch q.end {
	case "unproven":
		r.Clean, r.Processes[0].Unproven, r.Processes[0].Cause = false, true, "survived SIGKILL"
	case "hang":
		<-q.killed
		return api.Receipt{}
	}
	return r
}

func (q *testQueen) Kill() api.Receipt {
	q.kill.Do(func() { close(q.killed) })
	os.RemoveAll(q.dir)
	return api.Receipt{Clean: true, Forced: 1, Processes: []api.Process{{Name: "queen-rbee", PID: 42, Host: "here", Cause: "killed: a second signal", Forced: true}}}
}

// testDaemon is a daemon in the process of the tests.
type testDaemon struct {
	dir     string
	server  *http.Server
	backend *gatewaytest.Backend

	mu     sync.Mutex
	stream *gatewaytest.Stream // the last
}

// startDaemon listens on a socket of its own and answers with a scenario. If loaded is not "", a worker has that file.
func startDaemon(answer, build, loaded string) (*testDaemon, error) {
	play, ok := scenarios[answer]
	if !ok {
		return nil, errors.New("there is no scenario " + answer)
	}
	dir, err := os.MkdirTemp("", "d") // short: a script's own folder may not fit into a socket address
	if err != nil {
		return nil, err
	}
	d := &testDaemon{dir: dir}
	d.backend = &gatewaytest.Backend{Build: build, Trace: workerSpans, Play: func(s *gatewaytest.Stream) {
		d.mu.Lock()
		d.stream = s
		d.mu.Unlock()
		play(s)
	}}
	if loaded != "" {
		d.backend.Rows = []*messages.WorkerState{{Id: "w1", Node: "localhost", ModelPath: loaded, State: "idle", Pid: 42}}
	}
	l, err := net.Listen("unix", d.socket())
	if err != nil {
		return nil, err
	}
	d.server = gateway.NewServer(gateway.Handler(d.backend, gateway.Options{}))
	go func() { _ = d.server.Serve(l) }()
	return d, nil
}

func (d *testDaemon) socket() string { return filepath.Join(d.dir, "queen.sock") }

func (d *testDaemon) close() {
	d.server.Close()
	os.RemoveAll(d.dir)
}

// last is the stream of the last request, nil before the first.
func (d *testDaemon) last() *gatewaytest.Stream {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stream
}
