package enginelib

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// Set is one build of the libraries that lies ready on this machine.
type Set struct {
	Target
	Dir string
}

// Installed lists the sets that workers of the program at executable can load, at most one of each target, and the one
// that the CPU's workers load first: the plain one if there is one. It looks where Find does, and takes as long.
func Installed(getenv func(string) string, executable string) []Set {
	sets, _ := look(getenv, executable)
	return sets
}

// look goes through all folders where a set may be. worst is the most telling reason why one holds none: the first that
// holds another release, else the first looked at.
func look(getenv func(string) string, executable string) (sets []Set, worst *mismatch) {
	all := HostTargets()
	var seen []string
	for _, t := range all {
		for _, dir := range candidates(getenv, executable, t) {
			if slices.Contains(seen, dir) {
				continue
			}
			seen = append(seen, dir)
			got, err := identify(dir, all)
			var m *mismatch
			switch {
			case errors.As(err, &m):
				if worst == nil || worst.empty && !m.empty {
					worst = m
				}
			case !slices.ContainsFunc(sets, func(s Set) bool { return s.Name == got.Name }):
				sets = append(sets, Set{got, dir})
			}
		}
	}
	slices.SortStableFunc(sets, func(a, b Set) int { return order(all, a) - order(all, b) })
	return sets, worst
}

// order is where a set comes in the order of the table: the plain one is first.
func order(all []Target, s Set) int {
	return slices.IndexFunc(all, func(t Target) bool { return t.Name == s.Name })
}

// onGPU are the libraries that compute on something else than the CPU: libggml-vulkan.so, but not libggml-cpu-zen4.so.
var onGPU = regexp.MustCompile(`^libggml-([a-z0-9]+)\.(?:so|dylib)$`)

// GPUs names the backends, other than the CPU, that a folder has a library for, with its file: "vulkan" >
// ".../libggml-vulkan.so". Whether one can be loaded here, and finds a device, only loading it tells.
func GPUs(dir string) map[string]string {
	entries, _ := os.ReadDir(dir)
	found := map[string]string{}
	for _, e := range entries {
		m := onGPU.FindStringSubmatch(e.Name())
		if m != nil && m[1] != cpu && m[1] != "base" && m[1] != "blas" && m[1] != "rpc" {
			found[m[1]] = filepath.Join(dir, e.Name())
		}
	}
	return found
}

// Check says whether a folder holds the pinned release for this platform, as an ENGINE_UNAVAILABLE. It loads nothing.
func Check(dir string) error {
	t, _ := HostTarget()
	_, err := identify(dir, HostTargets())
	var m *mismatch
	if errors.As(err, &m) {
		return unavailable(t, m, []string{dir})
	}
	return nil
}

// InstallHint is the command that puts the libraries for a backend where they are looked for.
func InstallHint(backend string) string {
	if t, ok := HostTarget(); backend == "" || ok && (backend == cpu || backend == t.Backend()) {
		return "install the engine with: rbee engine install"
	}
	return "install its libraries with: rbee engine install --backend " + backend
}

// Wants is what a backend's libraries need of a machine beside themselves; "" if that is nothing special.
func Wants(backend string) string {
	switch backend {
	case "cuda":
		return "it needs NVIDIA's driver (libcuda.so.1) and the CUDA 13 runtime (libcudart.so.13, libcublas.so.13)"
	case "vulkan":
		return "it needs the Vulkan loader (libvulkan.so.1; Debian, Ubuntu: apt install libvulkan1) and the GPU's own Vulkan driver"
	}
	return ""
}
