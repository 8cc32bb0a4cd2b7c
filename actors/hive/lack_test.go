package hive

import (
	"context"
	"strings"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/messages"
)

// lacking is a node that has a CPU, and no use of a GPU.
func lacking(only ...string) *hive {
	h := node(32e9)
	h.Hive.Devices = only
	h.Config.Devices = func(_ context.Context, _, backend string) ([]engine.Device, error) {
		if backend == "cpu" {
			return machine[:1], nil
		}
		return []engine.Device{{ID: "cpu:0", Backend: "cpu", TotalBytes: 64e9}, {ID: "metal:0", Backend: "metal", TotalBytes: 8e9, FreeBytes: 1e6}}, nil
	}
	h.Config.Lacking = func() map[string]Lack {
		return map[string]Lack{"cuda": {Cause: "libcuda.so.1 is missing", Hint: "install the driver", Installed: true}, "vulkan": {Cause: "not installed", Hint: "install it"}}
	}
	return h
}

func TestABackendThatANodeHasNotGotIsRefusedWithTheCauseAndTheCure(t *testing.T) {
	layers := int64(5)
	for _, c := range []struct {
		load             *messages.LoadOptions
		only             []string
		says, hint, lack string
	}{
		{&messages.LoadOptions{Backend: "cuda"}, nil, "no cuda here: there is cpu:0, metal:0; cuda: libcuda.so.1 is missing", "install the driver; or ", ""},
		{&messages.LoadOptions{Device: "vulkan:0"}, nil, "; vulkan: not installed", "install it; or ", ""},
		{&messages.LoadOptions{GpuLayers: &layers}, []string{"cpu"}, "there is none: only cpu:0; cuda: libcuda.so.1 is missing", "install the driver; or ", ""},
		{&messages.LoadOptions{Backend: "metal"}, []string{"cpu"}, "no metal here: there is cpu:0", "leave out --backend", "metal:"},
		{&messages.LoadOptions{Backend: "npu"}, nil, "no npu here", "leave out --backend", "npu:"},
	} {
		_, _, err := lacking(c.only...).wish(t.Context(), c.load)
		f := fault.From(err)
		if f.Code != fault.BackendUnavailable || !strings.Contains(f.Message, c.says) || !strings.HasPrefix(f.Hint, c.hint) || c.lack != "" && strings.Contains(f.Message, c.lack) {
			t.Errorf("%v: %v; hint %q", c.load, f, f.Hint)
		}
	}
}

func TestACPUIsChosenInPlaceOfAnInstalledGPUOnlyWithAWord(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	for asked, want := range map[string]int{"": 2, "cpu": 0} { // what does not fit, and what does not load
		h := lacking()
		devices, w, err := h.wish(t.Context(), &messages.LoadOptions{Backend: asked})
		if err != nil {
			t.Fatal(err)
		}
		p, err := h.plan(devices, keyOf(found, &messages.LoadOptions{}, w), found, usage{})
		if err != nil || p.Device.ID != "cpu:0" || len(p.Passed) != want {
			t.Errorf("asked for %q: %s, passed %q, error %v", asked, p.Device.ID, p.Passed, err)
		}
	}
}

func TestMoreThreadsThanCoresAreObeyedWithAWarning(t *testing.T) {
	found := Found{Name: "small", Path: "/m/small.gguf", Header: small()}
	h := node(32e9) // of 8 cores
	for threads, warned := range map[int64]bool{0: false, 8: false, 9: true} {
		p, err := h.plan(machine[:1], keyOf(found, &messages.LoadOptions{Threads: threads}, fit.Anything), found, usage{})
		if err != nil || p.threads != threads || strings.Contains(startText(p), "threads on 8 cores: that is slower than 7") != warned {
			t.Errorf("%d threads: %d, %q, %v", threads, p.threads, startText(p), err)
		}
	}
}
