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
	res := engine.Result{PromptTokens: countTokens(r), FinishReason: engine.FinishCancelled}
	if err := m.check(r, res.PromptTokens); err != nil {
		return engine.Result{}, err
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
		return res, context.Cause(ctx)
	}
	res.Queued = time.Since(asked)
	started := time.Now()
	if err := m.prefill(ctx, res.PromptTokens, emit); err != nil {
		return res, err
	}
	return res, m.decode(ctx, r, &res, started, emit)
}

func (m *fakeModel) check(r engine.Request, prompt int) error {
	s := r.Sampling
	switch {
	case !(s.Temperature >= 0 && s.Temperature <= 2):
		return fault.New(fault.InvalidRequest, "temperature is %g: it must be between 0 and 2", s.Temperature)
	case r.MaxTokens < 0:
		return fault.New(fault.InvalidRequest, "max_tokens is %d: it must be 1 or more, or 0 for no limit", r.MaxTokens)
	}
	if need := prompt + max(1, r.MaxTokens); need > m.info.Context {
		return fault.New(fault.ContextOverflow, "the prompt has %d tokens, the answer up to %d: together %d, the context holds %d",
			prompt, max(1, r.MaxTokens), need, m.info.Context).
			With("prompt_tokens", prompt).With("needed", need).With("context", m.info.Context)
	}
	return nil
}

func countTokens(r engine.Request) int {
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

func (m *fakeModel) decode(ctx context.Context, r engine.Request, res *engine.Result, started time.Time, emit func(engine.Event) error) error {
	natural := m.script.Tokens // where the answer ends by itself
	if natural == 0 {
		natural = 16
	}
	limit := m.info.Context - res.PromptTokens
	if r.MaxTokens > 0 {
		limit = r.MaxTokens
	}
	stop := stopper{stops: r.Stop}
	for n := 0; ; n++ {
		if err := m.script.meet(Point{AtDecode, n}); err != nil {
			return err
		}
		if n == limit || n == natural && !r.IgnoreEOS {
			break
		}
		if err := pause(ctx, m.tokenTime()); err != nil {
			return err
		}
		now := time.Now()
		if n == 0 {
			res.FirstToken, res.Prefill = now, now.Sub(started)
		}
		res.Decode = now.Sub(res.FirstToken)
		text, stopped := stop.push(m.word(n, r.Sampling))
		if err := emit(engine.Event{Text: text, Token: int32(n)}); err != nil {
			return err
		}
		res.CompletionTokens++
		if stopped {
			res.FinishReason = engine.FinishStop
			return nil
		}
	}
	if rest := stop.held; rest != "" {
		if err := emit(engine.Event{Text: rest, Token: engine.NoToken}); err != nil {
			return err
		}
	}
	res.FinishReason = engine.FinishStop
	if res.CompletionTokens == limit {
		res.FinishReason = engine.FinishLength
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

// stopper is a plain stop string filter: it holds back as long as the text could still become a stop string.
type stopper struct {
	stops []string
	held  string
}

func (s *stopper) push(piece string) (text string, stopped bool) {
	s.held += piece
	for _, stop := range s.stops {
		if before, _, found := strings.Cut(s.held, stop); found {
			return before, true
		}
	}
	keep := 0
	for _, stop := range s.stops {
		for n := 1; n < len(stop) && n <= len(s.held); n++ {
			if strings.HasSuffix(s.held, stop[:n]) {
				keep = max(keep, n)
			}
		}
	}
	cut := len(s.held) - keep
	text, s.held = s.held[:cut], s.held[cut:]
	return text, false
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

// Embed implements engine.Model.
func (m *fakeModel) Embed(context.Context, []engine.Input) ([]engine.Embedding, error) {
	return nil, fault.New(fault.InvalidRequest, "this engine makes no embeddings yet")
}
