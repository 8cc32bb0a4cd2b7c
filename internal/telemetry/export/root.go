package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"rbee/internal/telemetry"
)

const (
	// deadline is what a collector may cost a command at its end.
	deadline = time.Second
	// interval is how long a daemon lets spans gather before it sends them.
	interval = 2 * time.Second
)

// Options names the destinations beside those of the OTEL_* variables.
type Options struct {
	Service string           // service.name of the metrics
	File    string           // --trace; "" = none
	Timings io.Writer        // --timings; nil = none
	Columns int              // width of Timings; 0 = 100
	Color   bool             // Timings may hold terminal colours
	Reader  sdkmetric.Reader // of the metrics, beside a collector; nil = none
	Warn    func(error)      // hears what is wrong and does not stop the command; nil = nobody. Any goroutine may call it
}

// Root owns the destinations of one process.
type Root struct {
	options Options
	file    *os.File                 // nil: none
	client  otlptrace.Client         // nil: none
	meters  *sdkmetric.MeterProvider // nil: none
	every   time.Duration            // Follow sends this often
	stop    chan struct{}            // ends the sender of Follow
	sender  sync.WaitGroup
	drains  sync.Mutex // keeps the lines of File and the drawings of Timings whole
}

// Open prepares the destinations. It fails only if File cannot be written, as a *fault.Error.
func Open(o Options) (*Root, error) {
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	r := &Root{options: o, every: interval, stop: make(chan struct{})}
	if o.File != "" {
		f, err := create(o.File)
		if err != nil {
			return nil, err
		}
		r.file = f
	}
	forTraces, forMetrics := traces.protocol(o.Warn), metrics.protocol(o.Warn)
	if forTraces != "" || forMetrics != "" {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(o.Warn)) // else the library writes into the narration
	}
	if forTraces != "" {
		client := traceClient(forTraces)
		if err := client.Start(context.Background()); err != nil {
			o.Warn(fmt.Errorf("cannot use the trace collector: %w", err))
		} else {
			r.client = client
		}
	}
	if forMetrics != "" || o.Reader != nil {
		meters, err := meterProvider(forMetrics, o.Service, o.Reader)
		if err != nil {
			o.Warn(fmt.Errorf("cannot use the metrics collector: %w", err))
		}
		if err == nil || o.Reader != nil {
			r.meters = meters
		}
	}
	return r, nil
}

// Wanted reports whether spans have anywhere to go: it is Options.Enabled of the root's telemetry.
func (r *Root) Wanted() bool { return r.file != nil || r.client != nil || r.options.Timings != nil }

// MeterProvider is what telemetry.NewMetrics of this process counts into.
func (r *Root) MeterProvider() metric.MeterProvider {
	if r.meters == nil {
		return noop.NewMeterProvider()
	}
	return r.meters
}

// Follow sends spans as they come, until Close: for a daemon, which has no end to wait for.
func (r *Root) Follow(t *telemetry.Telemetry) {
	if !r.Wanted() || !t.Enabled() {
		return
	}
	waiting := make(chan struct{}, 1)
	t.OnSpans(func() {
		select {
		case waiting <- struct{}{}:
		default:
		}
	})
	r.sender.Go(func() {
		for {
			select {
			case <-waiting:
			case <-r.stop:
				return
			}
			select {
			case <-time.After(r.every):
			case <-r.stop:
				return
			}
			r.send(t)
		}
	})
}

// send passes on what has gathered; what cannot be delivered is lost, and Warn hears of it.
func (r *Root) send(t *telemetry.Telemetry) {
	spans, err := r.drain(t)
	if r.client != nil {
		err = errors.Join(err, within(deadline, func(ctx context.Context) error { return r.upload(ctx, spans) }))
	}
	if err != nil {
		r.options.Warn(err)
	}
}

// Close writes what t still holds to every destination and closes them; t's root span must have ended. File and
// waterfall come first; then the collectors, all together, get one second. The error tells every destination that
// did not get everything. Close once.
func (r *Root) Close(t *telemetry.Telemetry) error {
	close(r.stop)
	spans, local := r.drain(t)
	remote := within(deadline, func(ctx context.Context) error { return r.closeCollectors(ctx, spans) })
	var file, dropped error
	if r.file != nil {
		file = wrapFile(r.options.File, r.file.Close())
	}
	if n := t.Dropped(); n > 0 {
		dropped = fmt.Errorf("the trace lacks %d spans: more came than were kept", n)
	}
	return errors.Join(local, remote, file, dropped)
}

func (r *Root) closeCollectors(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	meters := make(chan error, 1)
	go func() { meters <- r.closeMeters(ctx) }()
	var err error
	if r.client != nil {
		r.sender.Wait() // for at most one upload
		err = errors.Join(r.upload(ctx, spans), r.client.Stop(ctx))
	}
	return errors.Join(err, <-meters)
}

func (r *Root) closeMeters(ctx context.Context) error {
	if r.meters == nil {
		return nil
	}
	if err := r.meters.Shutdown(ctx); err != nil {
		return fmt.Errorf("cannot send the metrics to %s: %w", metrics.collector(), err)
	}
	return nil
}

// drain takes t's spans, writes them to the destinations on this machine, and returns them for the other one.
func (r *Root) drain(t *telemetry.Telemetry) ([]*tracepb.ResourceSpans, error) {
	r.drains.Lock()
	defer r.drains.Unlock()
	otlp := t.Drain()
	if otlp == nil {
		return nil, nil
	}
	data := &tracepb.TracesData{}
	if err := proto.Unmarshal(otlp, data); err != nil {
		return nil, fmt.Errorf("cannot read our own spans: %w", err)
	}
	var err error
	if r.file != nil {
		err = wrapFile(r.options.File, writeLine(r.file, data.GetResourceSpans()))
	}
	if r.options.Timings != nil {
		err = errors.Join(err, r.draw(otlp))
	}
	return data.GetResourceSpans(), err
}

func (r *Root) draw(otlp []byte) error {
	spans, err := telemetry.Parse(otlp)
	if err == nil {
		err = Waterfall(r.options.Timings, spans, r.options.Columns, r.options.Color)
	}
	if err != nil {
		return fmt.Errorf("cannot draw the timings: %w", err)
	}
	return nil
}

func (r *Root) upload(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	if len(spans) == 0 {
		return nil
	}
	if err := r.client.UploadTraces(ctx, spans); err != nil {
		return fmt.Errorf("cannot send the trace to %s: %w", traces.collector(), err)
	}
	return nil
}

func wrapFile(path string, err error) error {
	if err == nil {
		return nil
	}
	return fileError(path, err)
}
