// Package keeper is the actor that owns an ephemeral queen for the length of one command.
//
// It is the root of the tree: it has no owner, starts the queen, passes its narration on, and ends it. What became
// of every process of the run is its receipt.
package keeper

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/trace"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/proc"
	"rbee/internal/runlog"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// Address of the root of an ephemeral tree.
const Address = "keeper.1"

// Options of one run.
type Options struct {
	Run         string // its id, fresh
	LogDir      string
	Lease       time.Duration // 0 = the default
	Stall       time.Duration // a request without a token for so long is given up; 0 = the default
	LoadTimeout time.Duration // a load without progress for so long has failed; 0 = the default
	Prestart    *messages.Prestart
	Reuse       bool // workers serve one request after another
	Tracer      trace.Tracer
	Context     context.Context // parent of the spans
	Narrate     func(api.Narration)
	Spans       func(otlp []byte)
	Warn        func(error) // a log that cannot be written
	// Ask asks the person at the terminal for a secret, without showing it, until ctx ends. Nil: nobody is there.
	Ask func(ctx context.Context, text string) ([]byte, error)
}

// Queen is an ephemeral queen and all that is below it.
type Queen struct {
	o      Options
	ep     *transport.Endpoint
	link   *supervisor.Link
	logs   *runlog.Dir
	client *http.Client

	asking sync.Mutex
	living context.Context // ends when the queen is to stop
	die    context.CancelFunc

	down chan struct{} // closed with the link
	gone chan struct{} // closed when it went down unasked

	mu    sync.Mutex
	asked time.Time // of the first Stop or Kill
	end   supervisor.LinkDown
	ended time.Time
}

// Start starts an ephemeral queen. It returns as soon as the process runs; requests wait until it listens.
func Start(o Options) (*Queen, error) {
	if o.Context == nil {
		o.Context = context.Background()
	}
	_ = proc.BecomeSubreaper() // without it a grandchild that escaped everything else is found by its environment
	living, die := context.WithCancel(context.Background())
	q := &Queen{o: o, living: living, die: die, down: make(chan struct{}), gone: make(chan struct{}), logs: runlog.New(o.LogDir, o.Warn)}
	l, err := supervisor.Launch(supervisor.Spec{
		Kind: "queen", Program: "queen-rbee", Address: transport.Join(Address, "queen", 1), Owner: Address, Run: o.Run,
		Root: proc.Self().String(), Levels: 2, Lease: o.Lease, Spawner: supervisor.Local{}, Tracer: o.Tracer, Tracing: o.Spans != nil, Context: o.Context,
		// The queen must end what is below it before it goes; see the hive's.
		Death: syscall.SIGCONT,
		Args:  []string{"daemon", "--ephemeral"},
		Boot: &messages.Boot{Role: &messages.Boot_Queen{Queen: &messages.QueenConfig{Ephemeral: true, Prestart: o.Prestart, LogDir: o.LogDir, CanAsk: o.Ask != nil, Reuse: o.Reuse, StallMs: o.Stall.Milliseconds(),
			LoadTimeoutMs: o.LoadTimeout.Milliseconds()}}},
		Log:   func(line string) { q.logs.Line("queen", line) },
		Spans: o.Spans,
	})
	if err != nil {
		return nil, err
	}
	q.ep, err = transport.NewEndpoint(Address, transport.Options{Refused: func(from, why string) {
		q.logs.Line("keeper", fmt.Sprintf("refused from %s: %s", from, why))
	}})
	if err != nil {
		l.Abort()
		return nil, err
	}
	root, err := q.ep.System.Root.SpawnNamed(actor.PropsFromFunc(q.receive), transport.RootID)
	if err != nil {
		l.Abort()
		return nil, err
	}
	q.link = l.Attach(q.ep, root)
	q.client = &http.Client{Transport: &http.Transport{DialContext: q.dial, DisableCompression: true}}
	return q, nil
}

func (q *Queen) receive(c actor.Context) {
	switch m := c.Message().(type) {
	case supervisor.FromChild:
		switch n := m.Message.(type) {
		case *messages.Narration:
			if q.o.Narrate != nil {
				q.o.Narrate(api.Narration{Source: n.GetSource(), Text: n.GetText(), Kind: n.GetKind(), Progress: n.GetProgress()})
			}
		case *messages.Ask:
			go q.ask(n)
		}
	case supervisor.LinkDown:
		q.mu.Lock()
		q.end, q.ended = m, time.Now()
		unasked := q.asked.IsZero()
		q.mu.Unlock()
		close(q.down)
		if unasked {
			close(q.gone)
		}
	}
}

// ask has a person answer the queen. One question is asked at a time; a stop answers for the person.
func (q *Queen) ask(m *messages.Ask) {
	a := &messages.Answer{Id: m.GetId()}
	if q.o.Ask != nil {
		q.asking.Lock()
		defer q.asking.Unlock()
		if secret, err := q.o.Ask(q.living, m.GetText()); err == nil {
			a.Secret, a.Given = secret, true
		}
	}
	q.link.Tell(a)
}

// dial opens a stream to the queen's API on the link. No socket, no port: nobody else can use it.
func (q *Queen) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-q.link.Joined():
		return q.ep.Open(q.link.Address, transport.ServiceAPI)
	case <-q.down:
		return nil, q.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Client reaches the queen's API at http://queen.
func (q *Queen) Client() *http.Client { return q.client }

// Gone is closed when the queen died without being asked; Err then says why.
func (q *Queen) Gone() <-chan struct{} { return q.gone }

// Err explains the end of a queen that nobody asked to stop; nil while it lives.
func (q *Queen) Err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended.IsZero():
		return nil
	case q.end.Err != nil:
		return q.end.Err
	}
	return fault.New(fault.QueenLost, "the queen died: %s", q.end.Cause).With("cause", q.end.Cause).
		WithHint("what it had on this machine was ended too, and elsewhere it ends with the line or the lease; run the command again")
}

// Stop asks the queen to end the tree and returns when all of it is proven gone, or cannot be proven. Workers have
// grace; each level above them 500 ms more, and 2 s to be proven gone if they had to be killed: that is the bound.
// From ctx it takes the span to stop below and nothing else; who cannot wait calls Kill, which ends Stop too.
func (q *Queen) Stop(ctx context.Context, grace time.Duration, cause string) api.Receipt {
	return q.stop(supervisor.StopLink{Grace: grace, Cause: cause, Traceparent: supervisor.Traceparent(ctx)})
}

// Kill ends it at once, also while Stop is running.
func (q *Queen) Kill() api.Receipt { return q.stop(supervisor.KillLink{Cause: "a second signal"}) }

func (q *Queen) stop(m any) api.Receipt {
	q.mu.Lock()
	if q.asked.IsZero() {
		q.asked = time.Now()
	}
	q.mu.Unlock()
	q.die()
	q.ep.System.Root.Send(q.link.PID, m)
	pruned := q.prune()
	<-q.down // the link's own timers bound it
	select {
	case <-pruned:
	case <-time.After(pruneTime):
	}
	q.client.CloseIdleConnections()
	q.logs.Close()
	if q.o.LogDir != "" {
		_ = os.Remove(q.o.LogDir) // a run that had nothing to say leaves no empty folder; one with files stays
	}
	return q.receipt()
}

// pruneTime is what removing old logs may go on after everything else is over; the next run goes on with it.
const pruneTime = 100 * time.Millisecond

// prune removes old runs' logs while there is nothing to do but wait.
func (q *Queen) prune() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if q.o.LogDir != "" {
			runlog.Prune(filepath.Dir(q.o.LogDir))
		}
	}()
	return done
}

func (q *Queen) receipt() api.Receipt {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := api.Receipt{Clean: true, Processes: []api.Process{}}
	if q.ended.After(q.asked) {
		r.TookMS = float64(q.ended.Sub(q.asked).Microseconds()) / 1000
	}
	for _, e := range q.end.Ends {
		p := api.Process{Name: e.GetName(), PID: int(e.GetPid()), Host: e.GetHost(), Started: time.Unix(0, e.GetStartedUnixNano()).UTC(),
			Cause: e.GetCause(), Forced: e.GetForced(), Unproven: e.GetUnproven(), TookMS: float64(e.GetTookUs()) / 1000}
		if p.Forced {
			r.Forced++
		}
		r.Clean = r.Clean && !p.Unproven
		r.Processes = append(r.Processes, p)
	}
	return r
}
