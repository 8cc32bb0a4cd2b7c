package gateway

import (
	"context"
	"sync"
)

// incoming reads streams ahead of the writer, so that the writer can see whether more is waiting and can do
// something else while nothing is. Credit bounds how much a stream has to give; the channel is only a few events.
type incoming struct {
	events chan item
	done   sync.WaitGroup
}

type item struct {
	event Event
	err   error // ends the stream
	from  int   // which stream
}

// read starts to read; a reader ends with its stream or with ctx.
func read(ctx context.Context, streams ...Stream) *incoming {
	in := &incoming{events: make(chan item, 32)}
	for i, s := range streams {
		in.done.Go(func() { in.follow(ctx, s, i) })
	}
	return in
}

func (in *incoming) follow(ctx context.Context, s Stream, from int) {
	for {
		e, err := s.Next(ctx)
		select {
		case in.events <- item{e, err, from}:
		case <-ctx.Done():
			return
		}
		if err != nil || e.Done != nil || e.Failed != nil {
			return
		}
	}
}

// wait returns when the readers have ended and the streams are nobody's.
func (in *incoming) wait() { in.done.Wait() }
