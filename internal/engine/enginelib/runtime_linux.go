package enginelib

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"rbee/internal/fault"
)

// libffi is what the binding calls the libraries through. It is opened when a program that imports the binding
// starts, before main: if it is missing the worker ends in a panic that nobody can read. So whoever starts a
// worker looks first.
const libffi = "libffi.so.8"

var libraryFolders = []string{"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib",
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}

func checkRuntime(getenv func(string) string) error {
	folders := append(filepath.SplitList(getenv("LD_LIBRARY_PATH")), libraryFolders...)
	if hasLibrary(libffi, "/etc/ld.so.cache", folders) {
		return nil
	}
	return fault.New(fault.EngineUnavailable, "the engine needs %s, which is not on this machine", libffi).
		WithHint("install it (Debian, Ubuntu: apt install libffi8; Fedora: dnf install libffi); glibc 2.34 and libstdc++ are needed too").
		With("expected", libffi).With("found", "nothing").With("looked_in", folders)
}

// hasLibrary asks the loader's cache first (one read of some 50 kB) and the folders after it: a library may be
// installed and not yet in the cache, and in the cache although it was removed.
func hasLibrary(name, cache string, folders []string) bool {
	text, _ := os.ReadFile(cache)
	for end := []byte("/" + name + "\x00"); ; {
		i := bytes.Index(text, end)
		if i < 0 {
			break
		}
		path := text[bytes.LastIndexByte(text[:i], 0)+1 : i+len(end)-1]
		if _, err := os.Stat(string(path)); err == nil {
			return true
		}
		text = text[i+len(end):]
	}
	for _, dir := range folders {
		if strings.TrimSpace(dir) == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}
