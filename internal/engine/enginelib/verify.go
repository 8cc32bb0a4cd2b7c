package enginelib

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rbee/internal/fault"
)

// sumsFile lists every file of the folder with its digest, as sha256sum -c reads it.
const sumsFile = "SHA256SUMS"

// Verify reads every library of an engine folder and compares it with the digests taken when the package, whose
// own digest is pinned, was unpacked. It finds damage (a bad disk, a half copy), not malice. It takes about 20 ms.
func Verify(dir string) error {
	t, ok := HostTarget()
	if !ok {
		return fault.New(fault.EngineUnavailable, "there is no llama.cpp %s for this platform", Release)
	}
	if other, err := identify(dir, HostTargets()); err == nil {
		t = other
	}
	return verify(dir, t)
}

func verify(dir string, t Target) error {
	if err := check(dir, t); err != nil {
		return unavailable(t, err.(*mismatch), []string{dir})
	}
	damaged := func(format string, args ...any) error {
		return unavailable(t, &mismatch{dir: dir, found: fmt.Sprintf(format, args...)}, []string{dir})
	}
	f, err := os.Open(filepath.Join(dir, sumsFile))
	if err != nil {
		return damaged("no %s to compare with", sumsFile)
	}
	defer f.Close()
	files := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		want, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || name != filepath.Base(name) {
			return damaged("a line in %s that is none: %.80q", sumsFile, lines.Text())
		}
		got, err := fileSHA256(filepath.Join(dir, name))
		if err != nil {
			return damaged("%s unreadable: %v", name, err)
		}
		if got != want {
			return damaged("%s damaged (sha256 %s, was %s)", name, got, want)
		}
		files++
	}
	if err := lines.Err(); err != nil {
		return damaged("%s unreadable: %v", sumsFile, err)
	}
	if files == 0 {
		return damaged("%s without a line", sumsFile)
	}
	return nil
}

func fileSHA256(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
