package llamacpp

import (
	"strings"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

func TestAnEngineWithoutALibraryForTheCPUIsNoEngine(t *testing.T) {
	gpu := device{Device: engine.Device{ID: "cuda:0", Backend: "cuda"}}
	for _, all := range [][]device{nil, {gpu}} {
		_, err := findDevice("", all, "/lib/x")
		e := fault.From(err)
		if e == nil || e.Code != fault.EngineUnavailable || !strings.Contains(e.Message, "/lib/x") || !strings.Contains(e.Hint, "rbee engine install") {
			t.Errorf("%v: %v", all, err)
		}
	}
	cpu := device{Device: engine.Device{ID: "cpu:0", Backend: "cpu"}}
	if d, err := findDevice("", []device{gpu, cpu}, ""); err != nil || d.ID != "cpu:0" {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := findDevice("cuda:1", []device{gpu, cpu}, ""); fault.CodeOf(err) != fault.DeviceUnavailable {
		t.Error(err)
	}
}
