package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/telemetry"
	"rbee/supervisor"
)

// errand is something to do on the disks of nodes. It goes through a queen as an answer does, and leaves as little
// behind; all nodes are asked at once, and one that fails does not hold up the others.
type errand struct {
	*inference
	place   *modelPlace
	asJSON  bool
	request api.DiskRequest // of each node
	// show writes what one node said: in the order of the nodes once all have answered, or as soon as it did.
	show   func(node string, rows []json.RawMessage) error
	atOnce bool
	end    func() error // writes what show has kept back; may be nil
	wrong  []told       // found by show: nodes that answered, but not well
}

// errandFlags are those of every command that may go to nodes.
func (p *modelPlace) errandFlags(fl *pflag.FlagSet) {
	f := &p.flags
	fl.StringVarP(&f.node, "node", "n", "", "on that node, several with commas, or any for all of them")
	fl.DurationVar(&f.deadline, "deadline", 0, "with --node: give up after this time (default: none)")
	fl.DurationVar(&f.lease, "lease", supervisor.DefaultLease, "with --node: a process that is silent for so long is dead (default also: $RBEE_LEASE)")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "only the result, and errors")
	fl.StringVar(&f.queen, "queen", "", "with --node: use the queen at this socket, and no other (default: $RBEE_QUEEN)")
	fl.StringVar(&f.socket, "socket", "", "where to look for a daemon (default: $RBEE_SOCKET, $XDG_RUNTIME_DIR/rbee/queen.sock)")
}

// elsewhere reports whether a command is to go to nodes, which are then named.
func (p *modelPlace) elsewhere(c *cobra.Command) (bool, error) {
	if c.Flags().Changed("node") {
		if p.flags.node == "" {
			return false, usagef("--node is empty, allowed is a node, several with commas, or any").hint("leave it out for this machine")
		}
		return true, nil
	}
	for _, flag := range []string{"queen", "lease", "deadline"} {
		if c.Flags().Changed(flag) {
			return false, usagef("--%s is given without --node", flag).hint("without --node this machine's disk is looked at, and nothing is started")
		}
	}
	return false, nil
}

// newErrand makes an errand of the flags. r says what to do, without the node.
func (p *modelPlace) newErrand(c *cobra.Command, asJSON bool, r api.DiskRequest) (*errand, error) {
	p.flags.plan = true // no worker is started ahead
	p.flags.grace, p.flags.stall, p.flags.load = api.DefaultGraceMS*time.Millisecond, time.Minute, time.Minute
	if err := p.flags.times(c, p.t.getenv); err != nil {
		return nil, err
	}
	if err := p.cfg.pass(); err != nil {
		return nil, err
	}
	var err error
	if r.Node, err = p.cfg.node(p.flags.node); err != nil {
		return nil, err
	}
	where := p.callers()
	r.Cwd, r.ModelsDir, r.EnvModelsDir = where.cwd, where.absolute(p.dir), where.absolute(p.t.getenv("RBEE_MODELS_DIR"))
	one := r
	one.Node = api.DefaultNode
	if err := one.Validate(); err != nil {
		var f *api.FieldError
		if errors.As(err, &f) {
			return nil, usagef("%s", f.Text(flagName(f.Field)))
		}
		return nil, err
	}
	if f := api.CheckNodes(r.Node); f != nil {
		return nil, usagef("%s", f.Text("--node"))
	}
	e := &errand{inference: newInference(p.t, p.parts, p.cfg.env, p.flags), place: p, asJSON: asJSON, request: r}
	e.out = &planned{out: e.stdout, json: asJSON}
	e.work = e.ask
	return e, nil
}

// do carries the errand out, from reaching a queen to the receipt.
func (e *errand) do() error {
	return e.exit(e.run(promptSource{text: e.request.Do, given: true}, func(string) (api.GenerateRequest, error) {
		return api.GenerateRequest{ID: ulid.Make().String(), Node: e.request.Node, Model: e.request.Model}, nil
	}))
}

// told is what one node answered.
type told struct {
	node   string
	rows   []json.RawMessage
	failed *fault.Error
}

// ask asks all nodes and shows what they say.
func (e *errand) ask(q queen) outcome {
	ctx, abandon := context.WithCancel(e.trace.ctx)
	defer abandon()
	ctx, span := e.trace.step(ctx, telemetry.SpanHTTP, telemetry.AttrModelRef.String(e.request.Model))
	defer span.End()
	e.request.Traceparent, e.request.WantSpans = telemetry.Inject(ctx), e.inference.request.WantSpans
	client := api.NewClient(q.Client())
	var late <-chan time.Time
	if e.flags.deadline > 0 {
		left := max(time.Until(e.begun.Add(e.flags.deadline)), time.Millisecond)
		ms := max(left.Milliseconds(), 1)
		e.request.DeadlineMS = &ms
		late = time.After(left + deadlineSlack)
	}
	done := make(chan outcome, 1)
	go func() { done <- e.all(ctx, client, q) }()
	first, gone := e.signals.first, q.Gone()
	var limit <-chan time.Time
	for {
		select {
		case o := <-done:
			return o
		case <-first:
			first, limit = nil, time.After(cancelWait)
			e.say.Keeper("stop", "%s: cancelling", e.signals.cause())
			abandon() // a queen that loses its client cancels
		case <-gone:
			gone, limit = nil, time.After(lastWords)
		case <-late:
			limit = time.After(0)
		case <-e.signals.again:
			return e.leave(abandon, done)
		case <-limit:
			return e.leave(abandon, done)
		}
	}
}

// all asks the nodes, each for itself.
func (e *errand) all(ctx context.Context, c *api.Client, q queen) outcome {
	nodes, err := c.Resolve(ctx, e.request.Node)
	if err != nil {
		return e.fail(told{node: e.request.Node, failed: e.explain(err, q, 0)})
	}
	say := newTogether(e.say, nodes)
	var o outcome
	var mu sync.Mutex
	show := func(t told) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case t.failed != nil:
			o = e.fail(t)
		case o.stdout == nil:
			if err := e.show(t.node, t.rows); err != nil {
				o = e.unwritten(t, err)
			}
			for _, w := range e.wrong {
				o = e.fail(w)
			}
			e.wrong = nil
		}
	}
	answers := make([]told, len(nodes))
	var wait sync.WaitGroup
	for i, n := range nodes {
		wait.Go(func() {
			answers[i] = e.one(ctx, c, q, n, say.of(n))
			if e.atOnce || answers[i].failed != nil { // who waits for a failure that is known?
				show(answers[i])
			}
		})
	}
	wait.Wait()
	for _, t := range answers {
		if !e.atOnce && t.failed == nil {
			show(t)
		}
	}
	if e.end != nil && o.stdout == nil {
		if err := e.end(); err != nil {
			o = e.unwritten(told{}, err)
		}
	}
	return o
}

// unwritten is an answer that could not be shown: it is not one, or stdout does not take it.
func (e *errand) unwritten(t told, err error) outcome {
	var bad *json.UnmarshalTypeError
	var broken *json.SyntaxError
	if errors.As(err, &bad) || errors.As(err, &broken) {
		return e.fail(told{node: t.node, failed: fault.Wrap(fault.Internal, err, "%v", err)})
	}
	return outcome{stdout: err, failed: &api.Failure{Error: stdoutFault(err)}}
}

// one asks one node.
func (e *errand) one(ctx context.Context, c *api.Client, q queen, node string, say func(api.Narration)) told {
	r := e.request
	r.ID, r.Node = ulid.Make().String(), node
	fail := func(err error) told { return told{node: node, failed: e.explain(err, q, 0)} }
	s, err := c.Disk(ctx, &r)
	if err != nil {
		return fail(err)
	}
	defer s.Close()
	for {
		ev, err := s.Next()
		switch {
		case err != nil:
			return fail(err)
		case ev.Narration != nil:
			say(*ev.Narration)
		case ev.Error != nil:
			return told{node: node, failed: ev.Error.Error}
		case ev.Done != nil && ev.Done.Disk == nil:
			return told{node: node, failed: fault.New(fault.Internal, "the node answered nothing")}
		case ev.Done != nil:
			if r.WantSpans {
				if ev, err := s.Next(); err == nil {
					e.trace.take(ev.Spans)
				}
			}
			return told{node: node, rows: ev.Done.Disk.Rows}
		}
	}
}

// fail tells of a node that failed. In JSON it is a line of its own.
func (e *errand) fail(t told) outcome {
	o := outcome{failed: &api.Failure{Error: t.failed}}
	if e.asJSON {
		o.stdout = e.place.writeJSON(struct {
			Node  string       `json:"node"`
			Error *fault.Error `json:"error"`
		}{t.node, t.failed})
	}
	if e.signals.cause() != "" && t.failed.Code == fault.Cancelled {
		e.say.Keeper("warn", "%s: %s", t.node, t.failed.Message)
		return o
	}
	e.say.Fail(t.failed, t.node)
	return o
}
