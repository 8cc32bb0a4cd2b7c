package worker

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"rbee/internal/engine"
	"rbee/internal/models/inuse"
	"rbee/internal/telemetry"
	"rbee/messages"
)

// Loading is a model on its way into memory.
type Loading struct {
	done     chan struct{}
	cancel   context.CancelFunc
	progress atomic.Uint64 // per mille
	began    time.Time
	file     *os.File // marked as in use for the life of this process; nil if that cannot be

	// Set before done is closed.
	model engine.Model
	took  time.Duration
	err   error
}

// Load opens the engine and starts to load what cfg names.
func Load(ctx context.Context, open func() (engine.Engine, error), cfg *messages.WorkerConfig, tracer trace.Tracer) *Loading {
	ctx, span := tracer.Start(ctx, telemetry.SpanLoadModel, trace.WithAttributes(telemetry.AttrModelPath.String(cfg.GetModelPath())))
	ctx, cancel := context.WithCancel(ctx)
	l := &Loading{done: make(chan struct{}), cancel: cancel, began: time.Now(), file: inuse.Mark(cfg.GetModelPath())}
	options := cfg.GetLoad()
	if options == nil {
		options = &messages.LoadOptions{}
	}
	go func() {
		defer close(l.done)
		l.model, l.err = load(ctx, open, engine.LoadOptions{
			Path:      cfg.GetModelPath(),
			Context:   int(options.GetContext()),
			Threads:   int(options.GetThreads()),
			Slots:     int(cfg.GetSlots()),
			GPULayers: layers(options.GpuLayers),
			Device:    cfg.GetDevice(),
			Progress:  func(f float64) { l.progress.Store(uint64(f * 1000)) },
		})
		l.took = time.Since(l.began)
		if l.err != nil {
			span.SetStatus(codes.Error, l.err.Error())
		}
		span.End()
	}()
	return l
}

func load(ctx context.Context, open func() (engine.Engine, error), o engine.LoadOptions) (engine.Model, error) {
	e, err := open()
	if err != nil {
		return nil, err
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("rbee.engine", e.Name()+" "+e.Release()))
	return e.Load(ctx, o)
}

func layers(n *int64) *int {
	if n == nil {
		return nil
	}
	v := int(*n)
	return &v
}

func (l *Loading) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}
