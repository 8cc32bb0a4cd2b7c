package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// Fake is an engine.Engine that follows a Script.
type Fake struct{ script Script }

var _ engine.Engine = (*Fake)(nil)

// New returns a fake that follows s.
func New(s Script) *Fake { return &Fake{s} }

// Name returns "fake".
func (f *Fake) Name() string { return "fake" }

// Release returns "v0".
func (f *Fake) Release() string { return "v0" }

// Devices returns one CPU with 8 GiB, and what the script adds.
func (f *Fake) Devices() ([]engine.Device, error) {
	return append([]engine.Device{{ID: "cpu:0", Backend: "cpu", Description: "fake", TotalBytes: 8 << 30, FreeBytes: 4 << 30}}, f.script.Devices...), nil
}

// device finds the one named id, "" = the CPU.
func (f *Fake) device(id string) (engine.Device, error) {
	all, _ := f.Devices()
	var have []string
	for _, d := range all {
		if d.ID == id || id == "" {
			return d, nil
		}
		have = append(have, d.ID)
	}
	return engine.Device{}, fault.New(fault.DeviceUnavailable, "no device %s here: there is %s", id, strings.Join(have, ", "))
}

// Load opens o.Path, takes the script's time and reports progress in tenths.
func (f *Fake) Load(ctx context.Context, o engine.LoadOptions) (engine.Model, error) {
	if err := f.checkLoad(o); err != nil {
		return nil, err
	}
	device, err := f.device(o.Device)
	if err != nil {
		return nil, err
	}
	const steps = 10
	for i := range steps {
		if i == steps/2 {
			if err := f.script.meet(Point{Stage: AtLoad}); err != nil {
				return nil, err
			}
		}
		if err := pause(ctx, f.script.Load/steps); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(float64(i+1) / steps)
		}
	}
	trained := f.trained()
	m := &fakeModel{script: f.script, quit: make(chan struct{})}
	m.info = engine.Info{
		ToolFormat: "generic", EmbeddingLength: embeddingLength,
		Architecture: "fake", Name: "fake model", Context: o.Context, ContextTrained: trained,
		Slots: max(1, o.Slots), Threads: max(1, o.Threads), Vocabulary: 1 << 20,
		HasTemplate: f.script.Template, Backend: device.Backend, Device: device.ID, MemoryBytes: f.script.Memory,
	}
	if m.info.Context == 0 {
		m.info.Context = min(trained, 4096)
	}
	if f.script.TellLoad {
		layers := "all"
		if o.GPULayers != nil {
			layers = fmt.Sprint(*o.GPULayers)
		}
		m.script.Text = fmt.Sprintf("device=%s layers=%s threads=%d slots=%d", o.Device, layers, o.Threads, o.Slots)
		m.script.Tokens = 4
	}
	m.slots = make(chan struct{}, m.info.Slots)
	return m, nil
}

func (f *Fake) trained() int {
	if f.script.Context > 0 {
		return f.script.Context
	}
	return 4096
}

// checkLoad refuses what a real engine refuses.
func (f *Fake) checkLoad(o engine.LoadOptions) error {
	info, err := os.Stat(o.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fault.Wrap(fault.ModelNotFound, err, "no model file %s", o.Path)
	case err != nil:
		return fault.Wrap(fault.ModelNotFound, err, "cannot read the model file %s: %v", o.Path, err)
	case info.Size() == 0:
		return fault.New(fault.ModelCorrupt, "%s is empty", o.Path)
	case o.Slots < 0 || o.Threads < 0 || o.Context < 0:
		return fault.New(fault.InvalidRequest, "slots, threads and context cannot be negative")
	case o.Context > f.trained():
		return fault.New(fault.ContextOverflow, "a context of %d tokens: the model was trained for %d", o.Context, f.trained())
	}
	return nil
}

// fakeModel is a loaded fake. Its tokens are words: the prompt has as many as strings.Fields finds, plus one for
// the beginning.
type fakeModel struct {
	script Script
	cache  promptCache
	info   engine.Info
	slots  chan struct{}
	quit   chan struct{}
}

func (m *fakeModel) Info() engine.Info { return m.info }

func (m *fakeModel) Close() error {
	if err := m.script.meet(Point{Stage: AtClose}); err != nil {
		return err
	}
	close(m.quit)
	return nil
}

func (m *fakeModel) Generate(ctx context.Context, r engine.Request, emit func(engine.Event) error) (engine.Result, error) {
	asked := time.Now()
	a := &fakeAnswer{model: m, request: r, emit: emit, stop: stopper{stops: r.Stop}}
	a.PromptTokens, a.FinishReason = countTokens(r), engine.FinishCancelled
	if err := m.check(r, a.PromptTokens); err != nil {
		return engine.Result{}, err
	}
	if over, err := a.begin(); over || err != nil {
		return a.Result, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-m.quit:
			cancel(errors.New("the model was closed"))
		case <-ctx.Done():
		}
	}()
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return a.Result, context.Cause(ctx)
	}
	a.Queued = time.Since(asked)
	a.CachedTokens = m.cache.take(r)
	started := time.Now()
	if err := m.prefill(ctx, a.PromptTokens, emit); err != nil {
		return a.Result, err
	}
	err := a.decode(ctx, started)
	return a.Result, err
}

func countTokens(r engine.Request) int {
	if len(r.Tokens) > 0 {
		return len(r.Tokens)
	}
	n := 1 + len(strings.Fields(r.Prompt))
	for _, m := range r.Messages {
		n += 1 + len(strings.Fields(m.Content))
	}
	return n
}

// prefill reads the prompt in chunks of 64, as llama.cpp is asked to.
func (m *fakeModel) prefill(ctx context.Context, total int, emit func(engine.Event) error) error {
	if err := m.script.meet(Point{Stage: AtPrefill}); err != nil {
		return err
	}
	for done := 0; done < total; {
		n := min(64, total-done)
		if err := pause(ctx, time.Duration(n)*m.script.Prefill); err != nil {
			return err
		}
		done += n
		if err := emit(engine.Event{Prefill: &engine.Progress{Done: done, Total: total}}); err != nil {
			return err
		}
	}
	return nil
}

func (m *fakeModel) tokenTime() time.Duration {
	if m.script.Rate == 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / m.script.Rate)
}

// word is the text of answer token n. At a temperature the seed shows in it.
func (m *fakeModel) word(n int, s engine.Sampling) string {
	if m.script.Clock {
		return fmt.Sprintf(" %d", time.Now().UnixNano())
	}
	if words := strings.Fields(m.script.Text); len(words) > 0 {
		return " " + words[n%len(words)]
	}
	if s.Temperature > 0 && !m.script.Identical {
		return fmt.Sprintf(" tok%d-%d", n, s.Seed)
	}
	return fmt.Sprintf(" tok%d", n)
}

// pause waits, or returns ctx's error.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
