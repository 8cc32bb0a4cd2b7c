package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"rbee/internal/fault"
	"rbee/internal/proc"
	"rbee/internal/telemetry"
	"rbee/internal/transport"
	"rbee/internal/version"
	"rbee/messages"
)

// Defaults of a link.
const (
	DefaultLease = 10 * time.Second
	DefaultGrace = 5 * time.Second
	// DefaultStart is how long a child may take until its root takes messages.
	DefaultStart = 30 * time.Second
	// Allowance is what each level above a worker adds to the worker's grace, so that an owner never kills a hive
	// that is still killing its worker, and the report survives.
	Allowance = 500 * time.Millisecond
	// proofTime is how long a killed process may take to be seen dead on this machine.
	proofTime = 2 * time.Second
	// newsTime is how long the proof of a death may take before those who wait for the child are told of it without
	// one: on this machine it takes milliseconds, over a dead line seconds.
	newsTime = 250 * time.Millisecond
	// lastLook is how long a sweep may take once the time of a stop is over: half of what the owner's owner allows.
	lastLook = Allowance / 2
	// lingerTime is how long a child on this machine that reported "stopped" may take to exit.
	lingerTime = 500 * time.Millisecond
	// fadeTime is how long after the end of the stream the exit may follow: the kernel closes a dying process's
	// descriptors before it says that the process is dead.
	fadeTime = 50 * time.Millisecond
)

// Spec says which child to start and how.
type Spec struct {
	Kind    string // "queen", "hive", "worker": names the spans
	Program string // "llm-worker-rbee"
	Address string // of the child's life
	Owner   string // this process's address
	Run     string // RBEE_RUN_ID
	Root    string // RBEE_ROOT
	Levels  int    // levels below the child: its stop may take Levels x Allowance longer
	Death   syscall.Signal
	Spawner Spawner
	Lease   time.Duration
	Start   time.Duration  // until Ready
	Boot    *messages.Boot // role and its config; Launch fills in the rest
	Args    []string       // of the program
	Env     []string       // further environment of the child
	Log     func(line string)
	Say     func(text string, progress float64) // what reaching the machine takes its time with; may be nil
	Spans   func(otlp []byte)                   // finished spans of the child's subtree
	Tracer  trace.Tracer
	Tracing bool            // the child records spans and hands them up
	Context context.Context // parent of the start span
}

// Launch starts a child and its handshake, before there is any actor system on either side: the time the child
// needs to come up overlaps with the owner's own. It blocks for as long as the Spawner needs to reach the machine,
// and gives up with Spec.Context.
func Launch(s Spec) (*Launched, error) {
	if s.Lease == 0 {
		s.Lease = DefaultLease
	}
	if s.Start == 0 {
		s.Start = DefaultStart
	}
	if s.Context == nil {
		s.Context = context.Background()
	}
	if s.Tracer == nil {
		s.Tracer = trace.SpanFromContext(s.Context).TracerProvider().Tracer("rbee")
	}
	l := &Launched{Spec: s, hello: make(chan struct{}), tail: proc.NewTail(20)}
	ctx, span := s.Tracer.Start(s.Context, "start "+s.Kind, trace.WithAttributes(telemetry.AttrProcess.String(s.Program), telemetry.AttrAddress.String(s.Address)))
	l.span = span
	env := append([]string{proc.EnvRun + "=" + s.Run, proc.EnvLife + "=" + s.Address, proc.EnvRoot + "=" + s.Root, proc.EnvLease + "=" + s.Lease.String()}, s.Env...)
	b := s.Boot
	b.Version, b.RunId, b.Address, b.OwnerAddress = version.Build(), s.Run, s.Address, s.Owner
	b.LeaseMs, b.Nonce = s.Lease.Milliseconds(), nonce()
	b.Traceparent, b.Tracing = Traceparent(ctx), s.Tracing
	var p Process
	first, err := transport.Frame("", b)
	if err == nil {
		p, err = s.Spawner.Start(ctx, Command{Program: s.Program, Args: s.Args, Env: env, Death: s.Death, First: first,
			Silence: min(s.Start, s.Lease), Lease: s.Lease, Run: s.Run, Life: s.Address, Say: s.Say})
	}
	if err != nil {
		if fault.CodeOf(err) == "" { // the system's own: a program that is none, too many open files
			err = fault.Wrap(startFailed(s.Kind), err, "%v", err).WithHint("%s", cure(err))
		}
		span.SetStatus(codes.Error, err.Error())
		span.End()
		return nil, err
	}
	l.process, l.began = p, time.Now()
	l.logs.Go(func() {
		proc.EachLine(p.Stderr(), func(line string) {
			l.tail.Add(line)
			if s.Log != nil {
				s.Log(line)
			}
		})
	})
	go l.handshake()
	return l, nil
}

// Launched is a started child whose handshake is under way.
type Launched struct {
	Spec
	process Process
	span    trace.Span // "start ...", ends with Ready
	began   time.Time
	tail    *proc.Tail
	logs    sync.WaitGroup

	// Set before hello is closed.
	hello chan struct{}
	peer  messages.Hello
	err   error
}

// Abort kills a child that never got its link.
func (l *Launched) Abort() {
	l.process.Signal(syscall.SIGKILL)
	l.process.Release()
	l.span.End()
}

func (l *Launched) handshake() {
	defer close(l.hello)
	stream := l.process.Stream()
	// Nothing but the start of a process lies between Boot and Hello, so the lease holds from the first moment: a
	// child that is frozen before it can keep a lease is noticed as soon as one that is frozen later.
	guard := time.AfterFunc(min(l.Start, l.Lease), func() { stream.Close() })
	defer guard.Stop()
	noise, err := transport.ReadFrame(stream, l.Boot.Nonce, &l.peer)
	if len(noise) > 0 {
		l.tail.Add(fmt.Sprintf("(%d bytes before the handshake: %.200s)", len(noise), proc.Clean(string(noise))))
	}
	if err == nil && l.peer.Version != version.Build() {
		err = fault.New(fault.VersionMismatch, "%s is of build %s, this is %s", l.Program, l.peer.Version, version.Build()).
			WithHint("install the four programs of one build into one folder")
	}
	l.err = err
}

// failure explains a child that did not come up, with the last lines of its stderr.
func (l *Launched) failure(cause string) error {
	if l.err != nil && fault.CodeOf(l.err) != "" {
		return l.err
	}
	code := startFailed(l.Kind)
	e := fault.New(code, "%s did not start: %s", l.Program, cause)
	if l.err != nil {
		e = fault.Wrap(code, l.err, "%s did not start: %s (%v)", l.Program, cause, l.err)
	}
	if tail := l.tail.Lines(); len(tail) > 0 {
		_ = e.With("stderr", tail).WithHint("its last words: %s", strings.Join(tail[max(0, len(tail)-5):], " | "))
	}
	return e
}

// startFailed is the code for a child of that kind that could not be started, or did not come up.
func startFailed(kind string) fault.Code {
	switch kind {
	case "queen":
		return fault.QueenStartFailed
	case "hive":
		return fault.HiveStartFailed
	}
	return fault.WorkerStartFailed
}

// Traceparent is the W3C trace context of ctx, "" if it has none.
func Traceparent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c["traceparent"]
}

// WithTraceparent returns ctx with that remote span as its parent.
func WithTraceparent(ctx context.Context, tp string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": tp})
}

func nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// NewRun makes a fresh run id.
func NewRun() string { return nonce() }

// hostname is this machine's name for reports.
var hostname = sync.OnceValue(func() string {
	h, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return h
})
