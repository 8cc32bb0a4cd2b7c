package hive

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/gguf"
	"rbee/messages"
	"rbee/supervisor"
)

// small is a model of 100 MB of weights, and 256 kB of keys and values for each token.
func small() *gguf.Header {
	h := &gguf.Header{Architecture: "llama", Context: 8192, Embedding: 1024, Layers: 32, KVHeads: 16, KVHeadsAll: 512, KeyLength: 128, ValueLength: 128,
		TensorBytes: 100e6}
	h.Weights.Blocks = 100e6
	return h
}

func node(free int64) *hive {
	c := Config{Hive: &messages.HiveConfig{Node: "mac"}, Free: func() int64 { return free }, Cores: func() int64 { return 8 }, Tracer: noop.NewTracerProvider().Tracer("")}
	return &hive{Options: Options{Config: c}, slots: map[string]*slot{}}
}

var machine = []engine.Device{{ID: "cpu:0", Backend: "cpu", TotalBytes: 64e9}, {ID: "cuda:0", Backend: "cuda", TotalBytes: 8e9, FreeBytes: 4e9}}

func (h *hive) with(name string, s state, device int, n fit.Need) *hive {
	h.slots[name] = &slot{state: s, plan: plan{Choice: fit.Choice{Device: machine[device], Need: n}}}
	return h
}

func TestMemoryThatOtherWorkersWillTakeIsNotFree(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	onCPU := fit.Want{Backend: "cpu", GPULayers: -1}
	k := keyOf(found, &messages.LoadOptions{Context: 4096}, onCPU)
	alone := fit.Estimate(small(), fit.Load{Context: 4096})
	free := alone.Host.Total() + 50e6
	for _, c := range []struct {
		name string
		h    *hive
		fits bool
	}{
		{"alone", node(free), true},
		{"beside one that loads and may have taken nothing yet", node(free).with("w", loading, 0, fit.Need{Host: fit.Part{KV: 60e6}}), false},
		{"beside one whose memory the kernel has counted", node(free).with("w", idle, 0, fit.Need{Host: fit.Part{KV: 60e6}}), true},
		{"beside one whose pages the kernel would give away", node(free).with("w", busy, 0, fit.Need{Host: fit.Part{Weights: 60e6}}), false},
		{"beside one that has a copy of its pages", node(free).with("w", busy, 0, fit.Need{Host: fit.Part{Weights: 60e6, Repacked: 60e6}}), true},
	} {
		_, err := c.h.plan(machine, k, found, c.h.usage())
		if c.fits != (err == nil) || err != nil && fault.CodeOf(err) != fault.InsufficientMemory {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

func TestAGPUsMemoryIsSharedOutAmongTheWorkersOnIt(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	k := keyOf(found, &messages.LoadOptions{Context: 4096}, fit.Anything)
	h := node(32e9)
	if p, err := h.plan(machine, k, found, h.usage()); err != nil || p.Device.ID != "cuda:0" {
		t.Fatalf("alone: %v, error %v", p.Device.ID, err)
	}
	h.with("w", idle, 1, fit.Need{Device: fit.Part{Weights: 3e9}})
	p, err := h.plan(machine, k, found, h.usage())
	if err != nil || p.Device.ID != "cpu:0" || len(p.Passed) != 1 {
		t.Fatalf("beside another: %v, error %v", p, err)
	}
	if text := startText(p); !strings.HasPrefix(text, "starting worker (cpu:0; cuda:0 needs ") || !strings.Contains(text, "1.00 GB are free") {
		t.Errorf("the user is told %q", text)
	}
	k.want = fit.Want{Backend: "cuda", GPULayers: -1}
	if _, err := h.plan(machine, k, found, h.usage()); fault.CodeOf(err) != fault.InsufficientVRAM {
		t.Errorf("asked for by name: error %v", err)
	}
}

func TestWorkersOnOneCPUGetEqualShares(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	l := &messages.LoadOptions{Context: 256}
	onCPU := fit.Want{Backend: "cpu", GPULayers: -1}
	h := node(32e9)
	for others, want := range []int64{0, 3, 2, 1, 1} { // of 7; alone, the engine decides
		p, err := h.plan(machine, keyOf(found, l, onCPU), found, h.usage())
		if err != nil || p.threads != want {
			t.Errorf("beside %d: %d threads, want %d; error %v", others, p.threads, want, err)
		}
		h.with(slotName(others), idle, 0, fit.Need{})
	}
	l.Threads = 6
	if p, _ := h.plan(machine, keyOf(found, l, onCPU), found, h.usage()); p.threads != 6 {
		t.Errorf("asked for 6 threads, got %d", p.threads)
	}
}

func TestAContextOverTheTrainedStartsNoWorker(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	h := node(1)
	_, err := h.plan(machine, keyOf(found, &messages.LoadOptions{Context: 8193}, fit.Anything), found, h.usage())
	if fault.CodeOf(err) != fault.ContextOverflow {
		t.Errorf("error %v", err)
	}
}

func TestADownloadThatCannotFitIsGivenUp(t *testing.T) {
	h := node(1e9)
	h.Get = func(ctx context.Context, _ *messages.ModelRef, say func(Progress)) (Found, error) {
		say(Progress{Total: 6e9})
		<-ctx.Done()
		return Found{}, ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	r := resolved{p: &pending{Generate: &messages.Generate{Model: &messages.ModelRef{Ref: "hf:org/large"}}}, devices: machine}
	_, err := h.obtain(ctx, cancel, r, h.usage())
	if fault.CodeOf(err) != fault.InsufficientMemory || !strings.Contains(err.Error(), "hf:org/large alone are 6.00 GB, and 5.00 GB are free") {
		t.Errorf("error %v", err)
	}
}

func TestRoomIsMadeByThoseThatWereIdleLongest(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	p := &pending{Generate: &messages.Generate{Load: &messages.LoadOptions{Context: 4096}}, found: found, devices: machine, want: fit.Want{Backend: "cpu", GPULayers: -1}}
	need := fit.Estimate(small(), fit.Load{Context: 4096}).Host.Total()
	for _, c := range []struct {
		free  int64 // of what is needed
		ttl   int64
		stops string
		ok    bool
		later bool // there will be when those that answer are done
	}{
		{-50e6, 1000, "old", true, true},
		{-150e6, 1000, "old young", true, true},
		{-250e6, 1000, "", false, true}, // what is busy, or loads, is not touched
		{-350e6, 1000, "", false, false},
		{-50e6, -1, "", false, false},
	} {
		h := node(need + c.free)
		h.Hive.IdleTtlMs = c.ttl
		for i, name := range []string{"old", "young", "busy"} {
			h.with(name, map[bool]state{true: busy, false: idle}[name == "busy"], 0, fit.Need{Host: fit.Part{KV: 100e6}})
			h.slots[name].link, h.slots[name].used = &supervisor.Link{Launched: &supervisor.Launched{Spec: supervisor.Spec{Address: name}}}, time.Unix(int64(i), 0)
		}
		stop, _, ok := h.room(p)
		var names []string
		for _, s := range stop {
			names = append(names, s.link.Address)
		}
		if strings.Join(names, " ") != c.stops || ok != c.ok || h.roomLater(p) != c.later {
			t.Errorf("%+v: stops %v, %v; later %v", c, names, ok, h.roomLater(p))
		}
	}
}

func TestANodeUsesOnlyTheDevicesOfItsConfiguration(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	all := append(machine, engine.Device{ID: "cuda:1", Backend: "cuda", TotalBytes: 8e9, FreeBytes: 8e9})
	l := &messages.LoadOptions{Context: 4096}
	for _, c := range []struct {
		only   []string
		device string // asked for
		id     string // chosen
		says   string
	}{
		{nil, "", "cuda:1", ""},
		{[]string{"cuda:0"}, "", "cuda:0", ""},
		{[]string{"cpu"}, "", "cpu:0", ""},
		{[]string{"cuda"}, "cuda:0", "cuda:0", ""},
		{[]string{"cuda:0"}, "cuda:1", "", "no device cuda:1 here: there is cuda:0"},
		{[]string{"cuda:0"}, "cpu:0", "", "no cpu here: there is cuda:0"},
		{[]string{"metal"}, "", "", "mac may only use metal, and has only cpu:0, cuda:0, cuda:1"},
	} {
		h := node(32e9)
		h.Hive.Devices, l.Device = c.only, c.device
		h.Config.Devices = func(context.Context, string, string) ([]engine.Device, error) { return all, nil }
		devices, want, err := h.wish(t.Context(), l)
		var p plan
		if err == nil {
			p, err = h.plan(devices, keyOf(found, l, want), found, h.usage())
		}
		if c.says == "" && (err != nil || p.Device.ID != c.id) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%v, asked for %q: %s, error %v", c.only, c.device, p.Device.ID, err)
		}
	}
}
