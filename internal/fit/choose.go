package fit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/gguf"
)

// Want is the device a user asks for.
type Want struct {
	Backend   string // "cpu", "cuda", "vulkan", "metal"; "" = the best that fits
	Device    string // "cuda:1", or the number alone; "" = any of the backend
	GPULayers int64  // layers on the GPU; negative = all, and the best device if none is named
}

// Anything is a Want without wishes.
var Anything = Want{GPULayers: -1}

const cpu = "cpu"

// Settle checks a wish against what there is, and completes the number of a device to its name. Errors are
// BACKEND_UNAVAILABLE, DEVICE_UNAVAILABLE, INVALID_REQUEST.
//
// A number without a backend is one of the best backend's devices: a GPU's if there is one. Layers for a GPU are a wish
// for one, none of them (0) a wish for the CPU.
func Settle(devices []engine.Device, w Want) (Want, error) {
	number, isNumber := strconv.Atoi(w.Device)
	if backend, _, ok := strings.Cut(w.Device, ":"); ok && w.Backend == "" {
		w.Backend = backend
	}
	if w.Backend == "" && w.Device == "" && w.GPULayers == 0 {
		w.Backend = cpu
	}
	if w.Backend == "" && (w.GPULayers > 0 || isNumber == nil) {
		best := devices[0].Backend
		for _, d := range devices {
			if d.Backend != cpu {
				best = d.Backend
				break
			}
		}
		w.Backend = best
		if w.GPULayers > 0 && best == cpu {
			return w, fault.New(fault.BackendUnavailable, "%d layers are to run on a GPU, and there is none: only %s", w.GPULayers, listed(devices)).
				WithHint("leave out --gpu-layers to run on the CPU").With("available", ids(devices))
		}
	}
	if w.Backend == cpu && w.GPULayers > 0 {
		return w, fault.New(fault.InvalidRequest, "gpu_layers is %d, and the device is a CPU", w.GPULayers).With("field", "gpu_layers")
	}
	if w.Backend != "" && !slices.ContainsFunc(devices, func(d engine.Device) bool { return d.Backend == w.Backend }) {
		return w, fault.New(fault.BackendUnavailable, "no %s here: there is %s", w.Backend, listed(devices)).
			WithHint("leave out --backend and --device, or choose one of those").With("backend", w.Backend).With("available", ids(devices))
	}
	if isNumber == nil {
		w.Device = fmt.Sprintf("%s:%d", w.Backend, number)
	}
	if w.Device != "" && !slices.ContainsFunc(devices, func(d engine.Device) bool { return d.ID == w.Device }) {
		return w, fault.New(fault.DeviceUnavailable, "no device %s here: there is %s", w.Device, listed(devices)).
			WithHint("choose one of those with --device").With("device", w.Device).With("available", ids(devices))
	}
	return w, nil
}

func ids(devices []engine.Device) (all []string) {
	for _, d := range devices {
		all = append(all, d.ID)
	}
	return all
}

func listed(devices []engine.Device) string {
	var all []string
	for _, d := range devices {
		text := d.ID
		if d.Description != "" {
			text += " (" + d.Description + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// Choice is where a worker is to run.
type Choice struct {
	Device engine.Device
	Need   Need
	Passed []string // better devices that it does not fit, and why
}

// Choose returns the device a worker is to run on: of those that w, which Settle returned, allows, the best that the
// model fits; host is the node's CPU, whose memory a worker needs wherever it computes. GPUs come first, those with most memory free before the others. FreeBytes of each is what this worker
// could take; zero or less in the total means that nobody knows, and nothing is checked. The error is an
// INSUFFICIENT_MEMORY or INSUFFICIENT_VRAM of the last device that was looked at, which names what would fit.
func Choose(host engine.Device, devices []engine.Device, h *gguf.Header, name string, l Load, w Want) (Choice, error) {
	able := slices.DeleteFunc(slices.Clone(devices), func(d engine.Device) bool {
		return w.Backend != "" && d.Backend != w.Backend || w.Device != "" && d.ID != w.Device || w == free(w) && twin(devices, d)
	})
	slices.SortStableFunc(able, func(a, b engine.Device) int {
		if (a.Backend == cpu) != (b.Backend == cpu) {
			if a.Backend == cpu {
				return 1
			}
			return -1
		}
		return cmp.Compare(b.FreeBytes, a.FreeBytes)
	})
	var c Choice
	var short *shortage
	for _, d := range able {
		on := l
		on.Backend, on.GPULayers = d.Backend, w.GPULayers
		c.Device, c.Need = d, Estimate(h, on)
		s := lack(host, d, c.Need)
		if s == nil {
			return c, nil
		}
		c.Passed = append(c.Passed, s.String())
		s.header, s.name, s.load = h, name, on
		if short == nil {
			short = s // the best device is the one to speak of, unless the user gets by with another
		}
	}
	return c, short.fault(c.Passed)
}

// free is w without a wish for a place.
func free(w Want) Want { return Want{GPULayers: w.GPULayers} }

// twin says whether a Vulkan device is a card that CUDA lists as well: then Vulkan is the slower way to it, and the card
// must not count twice.
func twin(devices []engine.Device, d engine.Device) bool {
	return d.Backend == "vulkan" && d.Description != "" && slices.ContainsFunc(devices, func(o engine.Device) bool {
		return o.Backend == "cuda" && o.Description == d.Description
	})
}

// shortage is one device that a model does not fit.
type shortage struct {
	device, host engine.Device
	need         Need
	vram         bool // the GPU's own memory is what is short
	needed, free int64

	header *gguf.Header
	name   string
	load   Load
}

// lack returns what is short for a worker with that need, nil if nothing is.
func lack(host, d engine.Device, n Need) *shortage {
	if d.Backend != cpu && known(d) && n.Device.Total() > d.FreeBytes {
		return &shortage{device: d, host: host, need: n, vram: true, needed: n.Device.Total(), free: max(0, d.FreeBytes)}
	}
	if known(host) && n.Host.Total() > host.FreeBytes {
		return &shortage{device: d, host: host, need: n, needed: n.Host.Total(), free: max(0, host.FreeBytes)}
	}
	return nil
}

func known(d engine.Device) bool { return d.TotalBytes > 0 }

func (s *shortage) String() string {
	what := "memory"
	if s.vram {
		what = "GPU memory"
	}
	return fmt.Sprintf("%s needs %s of %s and %s are free", s.device.ID, Bytes(s.needed), what, Bytes(s.free))
}

// Bytes prints a size in decimal units, with the digits that tell needed from free.
func Bytes(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e5:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d bytes", n)
}
