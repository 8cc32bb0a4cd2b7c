package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/term"
	"google.golang.org/protobuf/proto"

	"rbee/actors/queen"
	"rbee/internal/config"
	"rbee/internal/gateway"
	"rbee/internal/proc"
	"rbee/internal/registry"
	"rbee/internal/runlog"
	"rbee/internal/telemetry"
	"rbee/internal/telemetry/export"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// address of a daemon: the root of its own tree.
const address = "queen.1"

// unusedTime ends an ephemeral queen that was started by hand and that nobody uses.
const unusedTime = 30 * time.Second

// daemon serves on a unix socket until it is told to stop. It ignores its stdin, and has no owner.
func daemon(ctx context.Context, o options) (int, error) {
	run, err := ownRun()
	if err != nil {
		return 1, err
	}
	env := config.New(os.Getenv)
	path, named, err := socketPath(env, o)
	if err != nil && named {
		return 2, err // wrong usage
	}
	if err != nil {
		return 1, err
	}
	sock, err := listen(path)
	if err != nil {
		return 1, err
	}
	defer sock.remove()
	_ = proc.BecomeSubreaper() // without it a grandchild that escaped everything else is found by its environment
	log := logger()
	out, err := export.Open(export.Options{Service: program, Warn: func(err error) { log.Warn("telemetry", "error", err) }})
	if err != nil {
		return 1, err
	}
	tel := telemetry.Start(telemetry.Options{Service: program, Enabled: true, Follow: !out.Wanted()})
	out.Follow(tel)
	defer func() {
		if err := out.Close(tel); err != nil {
			log.Warn("telemetry", "error", err)
		}
	}()
	logs := openLogs(env, run, log)
	defer logs.Close()

	count := telemetry.NewMetrics(out.MeterProvider())
	cfg := queen.Config{
		Address: address, Count: count, Run: run, Root: os.Getenv(proc.EnvRoot), Ephemeral: o.ephemeral, Lease: o.lease, Stall: o.stall,
		Slots: o.slots, IdleTTL: o.keepAlive, Nodes: nodes(env, nil), Alias: alias(env), Tracer: tel.Tracer(), Tracing: true, Log: logTo(logs), Ingest: ingest(tel),
	}
	if o.ephemeral {
		cfg.Slots, o.drain = 1, 0
	}
	ep, err := transport.NewEndpoint(address, transport.Options{Refused: func(from, why string) {
		log.Warn("refused", "from", from, "what", why)
	}})
	if err != nil {
		return 1, err
	}
	done := make(chan *messages.Stopped, 1)
	opt := queen.Options{Config: cfg, Endpoint: ep, Registry: registry.New(), Board: &queen.Board{}, Tell: func(m proto.Message) { tell(log, m) },
		Spans: func() []byte { return nil }, Done: func(m *messages.Stopped) { done <- m }}
	pid, err := queen.Spawn(opt)
	if err != nil {
		return 1, err
	}
	ep.System.Root.Send(pid, queen.Begin{})
	stop := func(cause string) {
		ep.System.Root.Send(pid, queen.Stop{Cause: cause, Grace: o.grace, Drain: o.drain})
	}
	unused := newUnused(o, tel)
	api := gateway.NewServer(gateway.Handler(unused.watch(queen.NewBackend(opt, pid, takeTrace(tel), unused.idle)), gateway.Options{}))
	go func() { _ = api.Serve(sock.l) }()
	log.Info("serving", "socket", path, "pid", os.Getpid(), "run", run)
	return wait(log, count, done, stop, func() { ep.System.Root.Send(pid, queen.Kill{}) }), nil
}

// wait returns when the tree is gone. The first signal asks for it, the second one takes it.
func wait(log *slog.Logger, count *telemetry.Metrics, done <-chan *messages.Stopped, stop func(string), kill func()) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	began := time.Time{}
	for {
		select {
		case s := <-signals:
			if began.IsZero() {
				began = time.Now()
				log.Info("stopping", "signal", s.String())
				stop(s.String())
				continue
			}
			log.Warn("killing", "signal", s.String())
			kill()
		case m := <-done:
			return receipt(log, count, m, began)
		}
	}
}

// receipt logs what became of every process (the queen has counted them), and returns 3 if one could not be proven gone.
func receipt(log *slog.Logger, count *telemetry.Metrics, m *messages.Stopped, began time.Time) int {
	forced, unproven := 0, 0
	for _, e := range m.GetProcesses() {
		if e.GetForced() {
			forced++
		}
		if e.GetUnproven() {
			unproven++
		}
		log.Info("ended", "name", e.GetName(), "pid", e.GetPid(), "host", e.GetHost(), "cause", e.GetCause(), "forced", e.GetForced(),
			"unproven", e.GetUnproven(), "took_ms", float64(e.GetTookUs())/1000)
	}
	took := time.Duration(0)
	if !began.IsZero() {
		took = time.Since(began).Round(time.Millisecond)
	}
	log.Info("stopped", "processes", len(m.GetProcesses()), "forced", forced, "unproven", unproven, "took_ms", took.Milliseconds())
	switch {
	case unproven > 0:
		count.Cascade(telemetry.Unproven, took)
		return 3
	case forced > 0:
		count.Cascade(telemetry.Forced, took)
	default:
		count.Cascade(telemetry.Clean, took)
	}
	return 0
}

// tell is where a queen without an owner says what it would tell one.
func tell(log *slog.Logger, m proto.Message) {
	if n, ok := m.(*messages.Narration); ok {
		log.Info(n.GetText(), "from", n.GetSource())
	}
}

// logger writes text to a terminal and JSON to anything else.
func logger() *slog.Logger {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, nil))
}

func openLogs(env config.Env, run string, log *slog.Logger) *runlog.Dir {
	warn := func(err error) { log.Warn("no log is kept of hives and workers", "error", err) }
	dir, err := env.LogDir(run)
	if err != nil {
		warn(err)
		return nil
	}
	logs := runlog.New(dir, warn)
	go runlog.Prune(filepath.Dir(dir))
	return logs
}

// ownRun gives this process a run id of its own in its environment, where anybody can see it from outside: by
// starting itself again in place, since the environment a process shows is the one it was started with.
func ownRun() (string, error) {
	self := proc.Self().String()
	if os.Getenv(proc.EnvRoot) == self && os.Getenv(proc.EnvLife) == address {
		return os.Getenv(proc.EnvRun), nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	env := map[string]string{proc.EnvRun: supervisor.NewRun(), proc.EnvLife: address, proc.EnvRoot: self}
	for k, v := range env {
		if err := os.Setenv(k, v); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("cannot start %s again: %w", exe, syscall.Exec(exe, os.Args, os.Environ()))
}

// socketPath is where to listen, and whether the user named it. A queen that is to be found by nobody gets a socket of
// its own.
func socketPath(env config.Env, o options) (path string, named bool, err error) {
	s, err := env.Socket(o.socket)
	if err == nil && o.ephemeral && o.socket == "" {
		s.Path = filepath.Join(filepath.Dir(s.Path), "queen-"+strconv.Itoa(os.Getpid())+".sock")
	}
	return s.Path, s.Named, err
}

// unused ends a queen that nobody uses: after --idle-timeout, or an ephemeral one after its task.
type unused struct {
	o     options
	timer *time.Timer
	tel   *telemetry.Telemetry
}

func newUnused(o options, tel *telemetry.Telemetry) *unused {
	u := &unused{o: o, tel: tel}
	switch {
	case o.ephemeral:
		u.timer = time.AfterFunc(unusedTime, func() { self(syscall.SIGTERM) })
	case o.idle > 0:
		u.timer = time.AfterFunc(o.idle, func() { self(syscall.SIGTERM) })
	}
	return u
}

// self ends this process the way anybody else would.
func self(s syscall.Signal) { _ = syscall.Kill(os.Getpid(), s) }

// idle is called when the last running request is over.
func (u *unused) idle() {
	switch {
	case u.o.ephemeral:
		self(syscall.SIGTERM)
	case u.timer != nil:
		u.timer.Reset(u.o.idle)
	}
}

// watch notes that requests come in.
func (u *unused) watch(b gateway.Backend) gateway.Backend { return watched{b, u} }

type watched struct {
	gateway.Backend
	u *unused
}

func (w watched) Submit(ctx context.Context, g *messages.Generate) (gateway.Stream, error) {
	if w.u.timer != nil {
		w.u.timer.Stop()
	}
	// A keeper's spans are for that keeper, also when this queen exports on its own.
	parent := trace.SpanContextFromContext(telemetry.Extract(ctx, g.GetTraceparent()))
	context.AfterFunc(ctx, w.u.tel.Claim(parent.TraceID()))
	return w.Backend.Submit(ctx, g)
}
