package enginelib

import (
	"cmp"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The pin: one binding, one llama.cpp, one npm release, chosen because every target exists for it. The three move
// together or not at all; go.mod holds the binding's version a second time and a test compares them.
const (
	Release     = "v0.4.0"  // llama.cpp, as _nlcBuildMetadata.json names it
	YzmaVersion = "v1.26.1" // github.com/hybridgroup/yzma
	NPMVersion  = "3.21.1"  // @node-llama-cpp/*
)

// Target is one build of the libraries: a platform and what it computes on.
type Target struct {
	Name      string // as npm names it: "linux-x64"
	GOOS      string
	GOARCH    string
	Platform  string // as the build's metadata names it: "linux", "mac"
	Arch      string // "x64", "arm64"
	GPU       string // "", "metal", "vulkan", "cuda"
	Integrity string // npm's sha512 of the package; "" = known, not offered yet
}

// targets lists the plain build of each platform before its GPU builds: HostTarget takes the first that fits.
//
// The CUDA build is for CUDA 13. Its package has an extension (linux-x64-cuda-ext) with the same library for CUDA 12,
// three times as large; it is not used.
var targets = []Target{
	{Name: "linux-x64", GOOS: "linux", GOARCH: "amd64", Platform: "linux", Arch: "x64",
		Integrity: "sha512-Totj6RTDMGo3FoK2yNUaz/oGmZD0olAqTrRluFUWmu0kW2i9TOzHSW0OWCAiGkzRCVX0WsU2CyUQo/W2NYtdPA=="},
	{Name: "linux-arm64", GOOS: "linux", GOARCH: "arm64", Platform: "linux", Arch: "arm64",
		Integrity: "sha512-eI3anSEGzJiwF2rpMpZVTdHzw47LztbvfvuRzlu/fPO18ROnBOd+75RPUBlV6qENPpmNtbov85+3VODwEwBurg=="},
	{Name: "mac-arm64-metal", GOOS: "darwin", GOARCH: "arm64", Platform: "mac", Arch: "arm64", GPU: "metal",
		Integrity: "sha512-6MIDAZV7DXD9R1+jEXWJkFuolni3GATGE6mmuyFYc6ZmtOh9djAy15df0T0AXK3sCmVKL+fQcOAWZezxx4MvQQ=="},
	{Name: "mac-x64", GOOS: "darwin", GOARCH: "amd64", Platform: "mac", Arch: "x64",
		Integrity: "sha512-Q4nyNmbcNiKygBZQZjX+qLk2w3YzoiFpLWsxNURQN7xjyUi2p2rWxjRa7Otg0FrjGf/ri4aQ+X3Uj5Y0zD06eg=="},

	{Name: "linux-x64-cuda", GOOS: "linux", GOARCH: "amd64", Platform: "linux", Arch: "x64", GPU: "cuda",
		Integrity: "sha512-idsE55VoD/FbvLhnBC9krUJaUoC0XnebseAAnCpm/brKf61HEbu+idgbb5eN6mxkjLSrHtILprJ0nDcUJjVrFg=="},
	{Name: "linux-x64-vulkan", GOOS: "linux", GOARCH: "amd64", Platform: "linux", Arch: "x64", GPU: "vulkan",
		Integrity: "sha512-flEeSzONQ6OIm5bYKLQf4eEnBzcC5WugFbyPUwkCqyyOFZ8pH0H9ulQ7ZNDLSIczeKneMRJornlyY1Hq7d3GDA=="},

	{Name: "win-x64", GOOS: "windows", GOARCH: "amd64", Platform: "win", Arch: "x64"}, // nothing else of rbee runs there
}

// Targets returns every known target. Those without an Integrity cannot be installed.
func Targets() []Target { return slices.Clone(targets) }

// HostTarget returns the plain target of this program's platform; false if there is none.
func HostTarget() (Target, bool) { return TargetFor(runtime.GOOS, runtime.GOARCH) }

// HostTargets returns every target that runs on this program's platform, the plain one first.
func HostTargets() []Target { return targetsOf(runtime.GOOS, runtime.GOARCH) }

// TargetFor returns the plain target of a platform, named as Go names it.
func TargetFor(goos, goarch string) (Target, bool) { return TargetWith(goos, goarch, "") }

// TargetWith returns the target that computes on a backend; "" is the platform's plain one.
func TargetWith(goos, goarch, backend string) (Target, bool) {
	for i, t := range targetsOf(goos, goarch) {
		if backend == "" || backend == t.Backend() || backend == cpu && i == 0 {
			return t, true
		}
	}
	return Target{}, false
}

func targetsOf(goos, goarch string) (of []Target) {
	for _, t := range targets {
		if t.GOOS == goos && t.GOARCH == goarch && t.Integrity != "" {
			of = append(of, t)
		}
	}
	return of
}

const cpu = "cpu"

// Backend is what the target is for: its GPU, else "cpu". Every target computes on the CPU as well.
func (t Target) Backend() string { return cmp.Or(t.GPU, cpu) }

// Package is the npm package with its version.
func (t Target) Package() string { return "@node-llama-cpp/" + t.Name + "@" + NPMVersion }

// libraryNames are the names the binding opens, in the order it does.
func (t Target) libraryNames() []string {
	ext := ".so"
	if t.GOOS == "darwin" {
		ext = ".dylib"
	}
	return []string{"libggml" + ext, "libggml-base" + ext, "libllama" + ext}
}

// linkFor returns the unversioned name a library needs beside its own: libllama.metal.v0.4.0.dylib is opened as
// libllama.dylib. False for a library that already has the name it is opened by.
func linkFor(file string) (link string, ok bool) {
	ext := filepath.Ext(file)
	name, versioned := strings.CutSuffix(strings.TrimSuffix(file, ext), "."+Release)
	if !versioned {
		return "", false
	}
	name, _, _ = strings.Cut(name, ".") // "libllama.metal" > "libllama"
	return name + ext, true
}
