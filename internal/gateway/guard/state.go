package guard

import (
	"sync/atomic"
	"time"

	"rbee/internal/fault"
)

// State is whether a queen takes work: it starts, it is ready, it stops. The zero value starts.
type State struct{ now atomic.Pointer[phase] }

type phase struct {
	word string
	end  time.Time // of the drain
}

// Ready says that the queen takes work now.
func (s *State) Ready() { s.now.CompareAndSwap(nil, &phase{word: "ready"}) }

// Stopping says that it takes no more, and when it will be gone at the latest. It is for good.
func (s *State) Stopping(end time.Time) { s.now.Store(&phase{"stopping", end}) }

func (s *State) word() string {
	if p := s.now.Load(); p != nil {
		return p.word
	}
	return "starting"
}

// refusal is why no work is taken, or nil.
func (s *State) refusal(now time.Time) *fault.Error {
	switch p := s.now.Load(); {
	case p == nil:
		return fault.New(fault.QueenStopping, "the queen is starting").WithHint("ask again in a moment").With("retry_after_s", 1)
	case p.word == "ready":
		return nil
	default:
		return stopping(p.end.Sub(now))
	}
}
