package fetch

import (
	"context"
	"errors"
	"sync"

	"rbee/internal/models"
)

// flights lets everybody who wants the same thing wait for one run that gets it.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight
}

// flight is one run and those who wait for it.
type flight struct {
	end      context.CancelCauseFunc
	done     chan struct{}
	err      error // once done
	watchers map[*watcher]bool
	last     models.Progress
}

// watcher is one who waits. latest has at most one element, the newest: who looks rarely misses some.
type watcher struct{ latest chan models.Progress }

func (w *watcher) tell(p models.Progress) {
	select {
	case <-w.latest:
	default:
	}
	w.latest <- p // only under flights.mu, so it is empty
}

var errNobodyWaits = errors.New("nobody waits for it any more")

// do joins the run of that key, or starts it, and returns its error. progress is called from this goroutine. The
// run goes on as long as anybody waits for it; the last one to leave waits until it has ended, so that its files
// are closed by then.
func (f *flights) do(ctx context.Context, key string, progress func(models.Progress), run func(context.Context, func(models.Progress)) error) error {
	fl, w := f.join(ctx, key, run)
	for {
		select {
		case p := <-w.latest:
			if progress != nil {
				progress(p)
			}
		case <-fl.done:
			select {
			case p := <-w.latest:
				if progress != nil {
					progress(p)
				}
			default:
			}
			return fl.err
		case <-ctx.Done():
			if f.leave(key, fl, w) {
				<-fl.done
			}
			return ctx.Err()
		}
	}
}

func (f *flights) join(ctx context.Context, key string, run func(context.Context, func(models.Progress)) error) (*flight, *watcher) {
	w := &watcher{make(chan models.Progress, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.running[key]; fl != nil {
		fl.watchers[w] = true
		if fl.last.Total > 0 {
			w.tell(fl.last)
		}
		return fl, w
	}
	ctx, end := context.WithCancelCause(context.WithoutCancel(ctx)) // it may outlive whoever began it
	fl := &flight{end: end, done: make(chan struct{}), watchers: map[*watcher]bool{w: true}}
	if f.running == nil {
		f.running = map[string]*flight{}
	}
	f.running[key] = fl
	go func() {
		err := run(ctx, func(p models.Progress) { f.report(fl, p) })
		end(nil)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.running[key] == fl {
			delete(f.running, key)
		}
		fl.err = err
		close(fl.done)
	}()
	return fl, w
}

func (f *flights) report(fl *flight, p models.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.last = p
	for w := range fl.watchers {
		w.tell(p)
	}
}

// leave reports whether w was the last; then the run is told to end, and who comes now starts another.
func (f *flights) leave(key string, fl *flight, w *watcher) (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(fl.watchers, w)
	if len(fl.watchers) > 0 {
		return false
	}
	if f.running[key] == fl {
		delete(f.running, key)
	}
	fl.end(errNobodyWaits)
	return true
}
