package gateway

import (
	"context"
	"sync"
)

// incoming reads a stream ahead of the writer, so that the writer can see whether more is waiting and can do
// something else while nothing is. Credit bounds how much a stream has to give; the channel is only a few events.
type incoming struct {
	events chan item
	done   sync.WaitGroup
}

type item struct {
	event Event
	err   error // ends the stream
}

// read starts to read; the reader ends with the stream or with ctx.
func read(ctx context.Context, s Stream) *incoming {
	in := &incoming{events: make(chan item, 32)}
	in.done.Go(func() {
		for {
			e, err := s.Next(ctx)
			select {
			case in.events <- item{e, err}:
			case <-ctx.Done():
				return
			}
			if err != nil || e.Done != nil || e.Failed != nil {
				return
			}
		}
	})
	return in
}

// wait returns when the reader has ended and the stream is nobody's.
func (in *incoming) wait() { in.done.Wait() }
