package llamacpp_test

import (
	"context"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// What a GPU does with them needs one; here is the way to the library's edge.
func TestGPULayersAreCheckedBeforeTheLibrarySeesThem(t *testing.T) {
	for layers, code := range map[int]fault.Code{-1: fault.InvalidRequest, 1<<20 + 1: fault.InvalidRequest, 0: "", 4: ""} {
		m, err := open(t).Load(context.Background(), engine.LoadOptions{Path: demoModel, GPULayers: &layers})
		if m != nil {
			m.Close()
		}
		if code == "" && err != nil || code != "" && fault.CodeOf(err) != code {
			t.Errorf("%d layers: error %v, want %q", layers, err, code)
		}
	}
}
