package fit

import (
	"errors"
	"strings"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/gguf"
)

func machine(host int64, gpus ...engine.Device) []engine.Device {
	return append([]engine.Device{{ID: "cpu:0", Backend: "cpu", TotalBytes: 64e9, FreeBytes: host}}, gpus...)
}

func gpu(id string, free int64) engine.Device {
	backend, _, _ := strings.Cut(id, ":")
	return engine.Device{ID: id, Backend: backend, TotalBytes: 24e9, FreeBytes: free}
}

// card is a GPU with a name.
func card(id, name string, free int64) engine.Device {
	d := gpu(id, free)
	d.Description = name
	return d
}

// choose lets all devices be used.
func choose(all []engine.Device, h *gguf.Header, name string, l Load, w Want) (Choice, error) {
	return Choose(all[0], all, h, name, l, w)
}

func TestTheBestDeviceThatFitsIsChosen(t *testing.T) {
	for _, c := range []struct {
		name    string
		devices []engine.Device
		want    Want
		id      string
		passed  int
	}{
		{"a CPU alone", machine(8e9), Anything, "cpu:0", 0},
		{"the GPU with most free memory", machine(8e9, gpu("cuda:0", 2e9), gpu("cuda:1", 4e9)), Anything, "cuda:1", 0},
		{"none that is too small, and it is said", machine(8e9, gpu("cuda:0", 1e8), gpu("cuda:1", 2e8)), Anything, "cpu:0", 2},
		{"one of the backend", machine(8e9, gpu("cuda:0", 9e9), gpu("vulkan:0", 4e9)), Want{Backend: "vulkan", GPULayers: -1}, "vulkan:0", 0},
		{"the one named", machine(8e9, gpu("cuda:0", 2e9), gpu("cuda:1", 4e9)), Want{Device: "cuda:0", GPULayers: -1}, "cuda:0", 0},
		{"part of the model", machine(8e9, gpu("cuda:0", 5e8)), Want{Device: "cuda:0", GPULayers: 1}, "cuda:0", 0},
		{"a card once, by its better way", machine(8e9, card("cuda:0", "RTX", 4e9), card("vulkan:0", "RTX", 9e9)), Anything, "cuda:0", 0},
		{"another card beside it", machine(8e9, card("cuda:0", "RTX", 4e9), card("vulkan:0", "RTX", 4e9), card("vulkan:1", "RX", 9e9)), Anything, "vulkan:1", 0},
		{"a card by the way that is named", machine(8e9, card("cuda:0", "RTX", 4e9), card("vulkan:0", "RTX", 4e9)), Want{Backend: "vulkan", GPULayers: -1}, "vulkan:0", 0},
		{"memory of which nothing is known", []engine.Device{{ID: "cpu:0", Backend: "cpu"}}, Anything, "cpu:0", 0},
	} {
		got, err := choose(c.devices, tiny(), "tiny", Load{}, c.want)
		if err != nil || got.Device.ID != c.id || len(got.Passed) != c.passed {
			t.Errorf("%s: %v, passed %q, error %v", c.name, got.Device.ID, got.Passed, err)
		}
	}
}

func TestADeviceThatIsNamedAndTooSmallIsAnError(t *testing.T) {
	_, err := choose(machine(64e9, gpu("cuda:0", 5e8), gpu("cuda:1", 9e9)), tiny(), "tiny", Load{}, Want{Device: "cuda:0", GPULayers: -1})
	if fault.CodeOf(err) != fault.InsufficientVRAM {
		t.Fatalf("error %v", err)
	}
	var f *fault.Error
	errors.As(err, &f)
	n := f.Details["fits_gpu_layers"].(int64)
	on := func(layers int64) error {
		_, err := choose(machine(64e9, gpu("cuda:0", 5e8)), tiny(), "tiny", Load{}, Want{Device: "cuda:0", GPULayers: layers})
		return err
	}
	if n < 1 || n > 21 || on(n) != nil || on(n+1) == nil {
		t.Errorf("%d layers are said to fit: %v, one more: %v", n, on(n), on(n+1))
	}
}

func TestTheContextThatIsSaidToFitIsTheLargestThatDoes(t *testing.T) {
	free := Estimate(tiny(), Load{Context: 1024}).Host.Total()
	with := func(context int64) error {
		_, err := choose(machine(free), tiny(), "tiny", Load{Context: context}, Anything)
		return err
	}
	err := with(2048)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.InsufficientMemory || f.Details["fits_context"] != int64(1024) || !strings.Contains(f.Hint, "--ctx 1024") {
		t.Fatalf("error %v, %+v", err, f)
	}
	if with(1024) != nil || with(1025) == nil {
		t.Errorf("1024: %v, 1025: %v", with(1024), with(1025))
	}
	if f.Details["needed"] != Estimate(tiny(), Load{Context: 2048}).Host.Total() || f.Details["free"] != free {
		t.Errorf("the numbers are %v", f.Details)
	}
}

func TestASmallerQuantizationIsNamedIfOneFits(t *testing.T) {
	h := tiny()
	h.FileType = 7 // Q8_0
	h.TensorBytes, h.Weights.Matrices = 1170e6, [64]int64{8: 1100e6}
	for free, want := range map[int64]any{1100e6: "Q6_K", 400e6: nil} {
		_, err := choose(machine(free), h, "tiny", Load{Context: 512, CPU: CPU{AVX2: true}}, Anything)
		var f *fault.Error
		if !errors.As(err, &f) || f.Details["fits_quantization"] != want {
			t.Errorf("%d bytes free: %v, details %v; want %v", free, err, f.Details["fits_quantization"], want)
		}
	}
}

func TestWishesAreCheckedAgainstWhatThereIs(t *testing.T) {
	all := machine(8e9, gpu("cuda:0", 1e9), gpu("cuda:1", 1e9))
	for _, c := range []struct {
		devices []engine.Device
		want    Want
		device  string // completed
		backend string
		code    fault.Code
	}{
		{all, Anything, "", "", ""},
		{all, Want{Device: "1", GPULayers: -1}, "cuda:1", "cuda", ""},
		{machine(8e9), Want{Device: "0", GPULayers: -1}, "cpu:0", "cpu", ""},
		{all, Want{Backend: "cpu", Device: "0", GPULayers: -1}, "cpu:0", "cpu", ""},
		{all, Want{GPULayers: 0}, "", "cpu", ""},
		{all, Want{GPULayers: 5}, "", "cuda", ""},
		{machine(8e9), Want{GPULayers: 5}, "", "", fault.BackendUnavailable},
		{all, Want{Backend: "cpu", GPULayers: 5}, "", "", fault.InvalidRequest},
		{all, Want{Device: "cpu:0", GPULayers: 5}, "", "", fault.InvalidRequest},
		{all, Want{Backend: "metal", GPULayers: -1}, "", "", fault.BackendUnavailable},
		{all, Want{Device: "metal:0", GPULayers: -1}, "", "", fault.BackendUnavailable},
		{all, Want{Device: "cuda:2", GPULayers: -1}, "", "", fault.DeviceUnavailable},
		{all, Want{Device: "2", GPULayers: -1}, "", "", fault.DeviceUnavailable},
	} {
		got, err := Settle(c.devices, c.want)
		if fault.CodeOf(err) != c.code && !(c.code == "" && err == nil) || err == nil && (got.Device != c.device || got.Backend != c.backend) {
			t.Errorf("%+v: %+v, error %v; want device %q, backend %q, code %q", c.want, got, err, c.device, c.backend, c.code)
		}
		if err != nil && c.code != fault.InvalidRequest && !strings.Contains(err.Error(), "cpu:0") {
			t.Errorf("%+v: the error does not list what there is: %v", c.want, err)
		}
	}
}
