package install

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rbee/internal/fault"
)

var glibc = regexp.MustCompile(`^glibc ([0-9]{1,3})\.([0-9]{1,3})`)

// Check says whether the node has what it takes: first what the engine needs, by name, then the tools to unpack. It
// knows before anything is sent.
func (f Facts) Check() error {
	if m := glibc.FindStringSubmatch(f.Libc); f.Libc == "musl" || m != nil && old(m[1], m[2]) {
		return fault.New(fault.EngineUnavailable, "the engine needs glibc 2.34 or newer, the node has %s", f.Libc).
			WithHint("use a node with a newer system (Debian 12, Ubuntu 22.04, Fedora 35 and later)").With("libc", f.Libc)
	}
	if len(f.Lacks) > 0 {
		return fault.New(fault.EngineUnavailable, "the engine needs %s, which the node has not", strings.Join(f.Lacks, ", ")).
			WithHint("install them there (Debian, Ubuntu: apt install libffi8 libstdc++6; Fedora: dnf install libffi libstdc++)").
			With("missing", f.Lacks)
	}
	has := func(tools ...string) bool {
		return slices.ContainsFunc(tools, func(t string) bool { return slices.Contains(f.Tools, t) })
	}
	var missing []string
	for _, any := range [][]string{{"gzip"}, {"tar"}, {"sha256sum", "shasum", "openssl"}} {
		if !has(any...) {
			missing = append(missing, strings.Join(any, " or "))
		}
	}
	if len(missing) > 0 {
		return fault.New(fault.HiveStartFailed, "the node cannot unpack a bundle: it has no %s", strings.Join(missing, ", no ")).
			WithHint("install it there; it must be in the PATH of a command run over SSH").With("missing", missing)
	}
	return nil
}

func old(major, minor string) bool {
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return a < 2 || a == 2 && b < 34
}
