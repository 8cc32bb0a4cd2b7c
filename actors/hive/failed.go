package hive

import (
	"math/rand/v2"
	"strings"
	"time"

	"rbee/internal/fault"
	"rbee/internal/registry"
	"rbee/supervisor"
)

// failure is a kind of worker that is given up. It stays in the registry, as its last life, until it is forgiven.
type failure struct {
	address string
	reason  string
	words   []string // of its last life's stderr
	until   time.Time
}

// mourn asks the restart policy when this model may have a worker again. Whoever waits for one gets it then; the queue
// is looked at when the wait is over.
func (h *hive) mourn(s *slot, d supervisor.LinkDown) {
	now := time.Now()
	lives, v := supervisor.DefaultRestartPolicy.Died(h.deaths[s.key], now, d.Cause, rand.Float64())
	h.deaths[s.key] = lives
	if v.Again {
		h.notBefore[s.key] = now.Add(v.Wait)
		h.later(v.Wait, pumpNow{})
		return
	}
	f := failure{address: s.link.Address, reason: v.Reason, words: s.link.LastWords(), until: now.Add(supervisor.DefaultRestartPolicy.Window)}
	h.failed[s.key] = f
	h.later(supervisor.DefaultRestartPolicy.Window, forgive{s.key, f.address})
}

// forgive is due when a kind of worker that was given up may be tried again.
type forgive struct {
	key     key
	address string // of the failure: it may have been forgotten since, and another one come
}

func (h *hive) forgive(m forgive) {
	if h.failed[m.key].address != m.address {
		return
	}
	if h.deaths[m.key] = supervisor.DefaultRestartPolicy.Forgiven(h.deaths[m.key], time.Now()); h.deaths[m.key].GaveUp() == "" {
		h.forget(m.key)
	}
}

// forget takes a failure out of the registry; the next request finds the model as if it had never died.
func (h *hive) forget(k key) {
	h.registry.Remove(h.failed[k].address)
	delete(h.deaths, k)
	delete(h.notBefore, k)
	delete(h.failed, k)
	h.changed()
}

// forgetAt is forget for a failure of that address; it reports whether there was one.
func (h *hive) forgetAt(address string) bool {
	for k, f := range h.failed {
		if f.address == address {
			h.forget(k)
			return true
		}
	}
	return false
}

// bury takes a worker that is gone out of the registry, or leaves there why there is none any more.
func (h *hive) bury(s *slot) {
	f, ok := h.failed[s.key]
	if !ok || f.address != s.link.Address {
		h.registry.Remove(s.link.Address)
		return
	}
	row := s.row(h.Hive.GetNode())
	row.State, row.Reason, row.SlotsAvailable, row.Pid = registry.Failed, f.reason+said(f.words), 0, 0
	if err := h.registry.Register(row); err != nil {
		h.registry.Remove(s.link.Address)
	}
}

// refusal is what a request for a kind of worker that was given up gets at once; nil if it was not.
func (h *hive) refusal(p *pending) *fault.Error {
	f, ok := h.failed[p.key()]
	if !ok {
		return nil
	}
	e := fault.New(fault.WorkerStartFailed, "no worker for %s on %s: it %s", p.found.Name, h.Hive.GetNode(), f.reason).
		WithHint("look at the worker's log; it is tried again in %v%s", time.Until(f.until).Round(time.Second), said(f.words)).
		With("node", h.Hive.GetNode()).With("retry_after_s", max(1, int64(time.Until(f.until).Seconds())))
	if len(f.words) > 0 {
		e = e.With("stderr", f.words)
	}
	return e
}

// said is the end of what a worker left on its stderr.
func said(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "; its last words: " + strings.Join(words[max(0, len(words)-3):], " | ")
}
