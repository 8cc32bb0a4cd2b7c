package llamacpp

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ebitengine/purego"
	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
)

// device pairs what users see with llama.cpp's handle.
type device struct {
	engine.Device
	handle llama.GGMLBackendDevice
}

// Devices lists the CPU and the GPUs that the loaded libraries can use, the CPU first. FreeBytes of the CPU is
// what the kernel calls available, where it says so.
func (e *Engine) Devices() ([]engine.Device, error) {
	var out []engine.Device
	for _, d := range devices() {
		out = append(out, d.Device)
	}
	if len(out) == 0 {
		return nil, fault.New(fault.EngineUnavailable, "llama.cpp found no device in %s, not even the CPU", e.dir).
			WithHint("the libraries may be for another machine: see the folder's LICENSE and " + "_nlcBuildMetadata.json")
	}
	return out, nil
}

func devices() []device {
	var cpus, others []device
	count := map[string]int{}
	for i := range llama.GGMLBackendDeviceCount() {
		h := llama.GGMLBackendDeviceGet(i)
		kind := llama.GGMLBackendDevType(h)
		if kind == llama.GGMLBackendDeviceTypeACCEL {
			continue // helpers of the CPU (BLAS); llama.cpp uses them by itself
		}
		d := device{handle: h}
		d.Backend = backendName(llama.GGMLBackendRegName(llama.GGMLBackendDeviceBackendReg(h)))
		d.ID = fmt.Sprintf("%s:%d", d.Backend, count[d.Backend])
		count[d.Backend]++
		d.Description = llama.GGMLBackendDeviceDescription(h)
		free, total := llama.GGMLBackendDeviceMemory(h)
		d.FreeBytes, d.TotalBytes = int64(free), int64(total)
		if kind != llama.GGMLBackendDeviceTypeCPU {
			others = append(others, d)
			continue
		}
		if available := availableMemory(); available > 0 {
			d.FreeBytes = available
		}
		cpus = append(cpus, d)
	}
	return append(cpus, others...)
}

// Lacking says why the backends that the engine folder has a library for list no device: what the dynamic linker misses,
// or that there is simply none. llama.cpp skips such a library without a word.
func (e *Engine) Lacking() map[string]string {
	why := map[string]string{}
	for backend, file := range enginelib.GPUs(e.dir) {
		if slices.ContainsFunc(devices(), func(d device) bool { return d.Backend == backend }) {
			continue
		}
		if _, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL); err != nil {
			why[backend] = fmt.Sprintf("%s does not load: %s", filepath.Base(file), strings.TrimPrefix(err.Error(), file+": "))
			continue
		}
		why[backend] = fmt.Sprintf("%s loads, and lists no device", filepath.Base(file))
	}
	return why
}

// backendName is how users write a backend.
func backendName(registered string) string {
	name := strings.ToLower(registered)
	if name == "mtl" {
		return "metal"
	}
	return name
}

// findDevice returns the device named id; "" is the CPU, never a guess. all are those that the engine in dir lists.
func findDevice(id string, all []device, dir string) (device, error) {
	if id == "" {
		id = "cpu:0"
	}
	// Every machine has a CPU. llama.cpp passes over a library that is missing or damaged without a word.
	if !slices.ContainsFunc(all, func(d device) bool { return d.Backend == "cpu" }) {
		return device{}, fault.New(fault.EngineUnavailable, "cannot use the engine in %s: expected a library for this CPU, found none that loads", dir).
			WithHint("rbee engine verify says which files are damaged or missing; rbee engine install puts them back").With("folder", dir)
	}
	var have []string
	for _, d := range all {
		if d.ID == id {
			return d, nil
		}
		have = append(have, d.ID)
	}
	return device{}, fault.New(fault.DeviceUnavailable, "no device %s here: there is %s", id, strings.Join(have, ", ")).
		WithHint("choose one with --device, or install the engine for your GPU").
		With("available", have)
}
