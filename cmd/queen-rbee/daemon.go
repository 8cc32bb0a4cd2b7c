package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	"rbee/actors/queen"
	"rbee/internal/config"
	"rbee/internal/gateway"
	"rbee/internal/gateway/guard"
	ownproc "rbee/internal/proc"
	"rbee/internal/registry"
	"rbee/internal/telemetry"
	"rbee/internal/telemetry/export"
	"rbee/internal/telemetry/prom"
	"rbee/internal/transport"
	"rbee/messages"
)

// address of a daemon: the root of its own tree.
const address = "queen.1"

// daemon serves on a unix socket, and on TCP, until it is told to stop. It ignores its stdin, and has no owner.
func daemon(_ context.Context, o options) (int, error) {
	run, err := ownRun()
	if err != nil {
		return 1, err
	}
	began := time.Now()
	signals := make(chan os.Signal, 4) // from here on they wait: what has been opened is closed again
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	manager, beat := newService()
	env := config.New(os.Getenv)
	path, named, err := socketPath(env, o)
	if err != nil && named {
		return 2, err // wrong usage
	}
	if err != nil {
		return 1, err
	}
	log := openLogs(env, run)
	defer log.Close()
	v, err := newLive(env, log, o.level)
	if err != nil {
		return 1, err
	}
	d, err := openDoors(path, o, v)
	if err != nil {
		return 1, err
	}
	if !o.ephemeral {
		log.keep(o.log)
		d.log = log.Logger
	}
	_ = ownproc.BecomeSubreaper() // without it a grandchild that escaped everything else is found by its environment
	warn := func(err error) { log.Warn("telemetry", "error", err) }
	reader, page, err := prom.New()
	if err != nil {
		warn(err)
	}
	out, err := export.Open(export.Options{Service: program, Reader: reader, Warn: warn})
	if err != nil {
		d.close()
		return 1, err
	}
	tel := telemetry.Start(telemetry.Options{Service: program, Enabled: true, Follow: !out.Wanted()})
	out.Follow(tel)
	defer func() {
		if err := out.Close(tel); err != nil {
			warn(err)
		}
	}()
	count := telemetry.NewMetrics(out.MeterProvider())
	cfg := queen.Config{
		Address: address, Count: count, Run: run, Root: os.Getenv(ownproc.EnvRoot), Ephemeral: o.ephemeral, Lease: o.lease, Stall: o.stall, LoadTimeout: o.load,
		Slots: o.slots, IdleTTL: o.keepAlive, Nodes: nodes(v.file, nil), Alias: alias(v.file), KeepAlive: keepAlive(v.file), Tracer: tel.Tracer(), Tracing: true, Log: logTo(log.dir), Ingest: ingest(tel),
	}
	desk := newDesk(os.Getenv)
	cfg.Loans = desk
	if o.ephemeral {
		cfg.Slots, o.drain = 1, 0
	}
	ep, err := transport.NewEndpoint(address, transport.Options{Refused: func(from, why string) {
		log.Warn("refused", "from", from, "what", why)
	}})
	if err != nil {
		d.close()
		return 1, err
	}
	go func() { _ = lendOut(desk, ep) }()
	done, ready := make(chan *messages.Stopped, 1), make(chan struct{})
	opt := queen.Options{Config: cfg, Endpoint: ep, Registry: registry.New(), Board: &queen.Board{}, Spans: func() []byte { return nil },
		Tell: tell(log, manager, ready), Done: func(m *messages.Stopped) { done <- m }}
	pid, err := queen.Spawn(opt)
	if err != nil {
		d.close()
		return 1, err
	}
	ep.System.Root.Send(pid, queen.Begin{})
	<-ready // it takes work

	meter := guard.NewMeter(count, v.node)
	count.Observe(gauges(opt, meter))
	backend := meter.Backend(newUnused(o, tel).watch(queen.NewBackend(opt, pid, takeTrace(tel), nil)))
	d.state.Ready()
	d.serve(guard.New(guard.Options{
		Settings: func() guard.Settings { return v.settings(o.requireKeys) }, Keys: v.keys.Get, State: d.state, Meter: meter,
		Metrics: page, Status: d.status(opt, log.path, began), Receipt: d.waitReceipt,
	}), gateway.Handler(backend, gateway.Options{Models: ownModels(env)}))
	listen := urls(d.tcp, d.tls != nil)
	log.Info("serving", "socket", path, "listen", listen, "pid", os.Getpid(), "run", run)
	manager.ready("serving on " + strings.Join(append([]string{path}, listen...), " "))
	l := life{log: log, live: v, manager: manager, doors: d, count: count, drain: o.drain, grace: o.grace,
		stop: func(cause string) {
			ep.System.Root.Send(pid, queen.Stop{Cause: cause, Grace: o.grace, Drain: o.drain})
		},
		kill: func() { ep.System.Root.Send(pid, queen.Kill{}) },
		ask:  func(n int64) { ep.System.Root.Send(pid, &messages.Sync{Number: n}) },
	}
	return l.wait(signals, done, beat), nil
}

// life is a daemon that serves.
type life struct {
	log          *logs
	live         *live
	manager      service
	doors        *doors
	count        *telemetry.Metrics
	drain, grace time.Duration
	stop         func(cause string)
	kill         func()
	ask          func(number int64) // whether the queen's mailbox moves
}

// wait returns when the tree is gone. The first signal asks for it, the second one takes it. A hang-up is the first
// signal for who has a terminal; who has none is told to read its files again.
func (l *life) wait(signals <-chan os.Signal, done <-chan *messages.Stopped, beat time.Duration) int {
	terminal := hasTerminal()
	var pulse <-chan time.Time
	if beat > 0 {
		t := time.NewTicker(beat)
		defer t.Stop()
		pulse = t.C
	}
	began := time.Time{}
	for beats := int64(0); ; {
		select {
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP && !terminal:
				l.manager.reloading()
				l.live.reload()
				l.manager.ready("reloaded")
			case began.IsZero():
				began = time.Now()
				l.log.Info("stopping", "signal", s.String())
				l.doors.state.Stopping(began.Add(l.drain + l.grace))
				l.manager.stopping(l.drain + l.grace + time.Minute)
				l.stop(s.String())
			default:
				l.log.Warn("killing", "signal", s.String())
				l.kill()
			}
		case <-pulse:
			beats++
			l.ask(beats)
		case m := <-done:
			took := time.Duration(0)
			if !began.IsZero() {
				took = time.Since(began)
			}
			r := receipt(m, took)
			code := account(l.log.Logger, l.count, r)
			l.doors.shut(r)
			return code
		}
	}
}

func hasTerminal() bool {
	f, err := os.Open("/dev/tty")
	if err == nil {
		f.Close()
	}
	return err == nil
}

// tell is where a queen without an owner says what it would tell one.
func tell(log *logs, manager service, ready chan struct{}) func(proto.Message) {
	return func(m proto.Message) {
		switch m := m.(type) {
		case *messages.Ready:
			close(ready)
		case *messages.SyncReply: // its mailbox moves: only then do we live
			manager.alive()
		case *messages.Narration:
			log.Info(m.GetText(), "from", m.GetSource())
		}
	}
}
