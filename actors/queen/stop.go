package queen

import (
	"fmt"
	"time"

	"rbee/messages"
	"rbee/supervisor"
)

func (q *queen) stop(m *messages.Shutdown, drain time.Duration) {
	q.Tell(&messages.Stopping{})
	if q.stopping != nil {
		return
	}
	q.stopping = m
	if drain > 0 && len(q.ledger) > 0 {
		q.draining = true
		q.later(drain, drained{})
		return
	}
	q.start()
}

func (q *queen) settledAll() {
	if q.draining && len(q.ledger) == 0 {
		q.cascade()
	}
}

func (q *queen) cascade() {
	if q.draining {
		q.draining = false
		q.start()
	}
}

// start stops all hives at once.
func (q *queen) start() {
	if n := len(q.hives); n == 1 {
		q.Tell(&messages.Narration{Source: "queen-rbee", Kind: "stop", Text: "stopping 1 hive"})
	} else if n > 1 {
		q.Tell(&messages.Narration{Source: "queen-rbee", Kind: "stop", Text: fmt.Sprintf("stopping %d hives", n)})
	}
	for _, h := range q.hives {
		q.step(h, evStop)
	}
	q.finish()
}

func (q *queen) kill() {
	if q.stopping == nil {
		q.stopping = &messages.Shutdown{Cause: "killed"}
	}
	q.draining = false
	for _, h := range q.hives {
		if h.link == nil {
			q.step(h, evStop)
			continue
		}
		q.root.Send(h.link.PID, supervisor.KillLink{Cause: "a second signal"})
	}
	q.finish()
}

func (q *queen) finish() {
	if q.stopping == nil || q.draining || q.done || len(q.hives) > 0 {
		return
	}
	q.done = true
	q.Done(&messages.Stopped{Processes: q.ends, Spans: q.Spans(), Started: q.started})
}
