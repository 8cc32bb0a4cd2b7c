package enginelib

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rbee/internal/fault"
)

// Install fetches the pinned libraries of a target with the ordinary npm client (npm pack: its registry, proxy and
// cache settings apply, no script is run), checks the package against the pinned SHA-512, and puts them into dir.
// progress gets a line for each step; nil is allowed. The target may be one for another platform: a bundle carries it
// to a node of that kind.
//
// dir appears complete or not at all: everything happens in a folder beside it, renamed at the end. Several
// installs at once are harmless: each works alone and the first to finish wins. A folder that already holds the
// pinned, undamaged libraries is left as it is; one that holds other engine files is replaced; one that holds
// anything else is refused. What an install that was killed left beside dir is removed by the next one.
func Install(ctx context.Context, dir string, t Target, progress io.Writer) error {
	if t.Integrity == "" {
		return fault.New(fault.EngineUnavailable, "llama.cpp %s for %s cannot be installed: its package is not pinned", Release, t.Name)
	}
	return install(ctx, dir, t, progress)
}

func install(ctx context.Context, dir string, t Target, progress io.Writer) error {
	if progress == nil {
		progress = io.Discard
	}
	dir = absolute(dir)
	removeStale(filepath.Dir(dir))
	if verify(dir, t) == nil {
		fmt.Fprintf(progress, "llama.cpp %s (%s) is already in %s\n", Release, t.Name, dir)
		return nil
	}
	if err := replaceable(dir); err != nil {
		return err
	}
	w, err := newWork(dir)
	if err != nil {
		return err
	}
	defer w.remove()
	work := w.path

	fmt.Fprintf(progress, "fetching %s with npm\n", t.Package())
	archive, err := npmPack(ctx, work, t)
	if err != nil {
		return err
	}
	fresh := filepath.Join(work, "engine")
	files, err := unpackChecked(archive, fresh, t)
	if err != nil {
		return err
	}
	var size int64
	for _, f := range files {
		size += f.size
	}
	fmt.Fprintf(progress, "checked sha512, unpacked %d files, %.1f MB\n", len(files), float64(size)/1e6)
	if err := verify(fresh, t); err != nil {
		return err
	}
	if err := rename(fresh, dir, work, t); err != nil {
		return err
	}
	fmt.Fprintf(progress, "installed llama.cpp %s (%s) in %s\n", Release, t.Name, dir)
	return nil
}

// npmPack downloads the package into work and returns its path.
func npmPack(ctx context.Context, work string, t Target) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fault.Wrap(fault.EngineUnavailable, err, "npm, which fetches the engine, is not installed").
			WithHint("install it (Debian, Ubuntu: apt install npm), or set RBEE_ENGINE_DIR to a folder that has llama.cpp %s", Release)
	}
	cmd := exec.CommandContext(ctx, npm, "pack", t.Package(), "--pack-destination", work, "--ignore-scripts", "--silent")
	cmd.Dir = work // away from any package.json or .npmrc of the caller's project
	cmd.WaitDelay = time.Second
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := runOwned(cmd); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fault.Wrap(fault.EngineUnavailable, err, "npm could not fetch %s: %v%s", t.Package(), err, tail(out.String())).
			WithHint("see what npm says: npm pack %s", t.Package())
	}
	found, err := filepath.Glob(filepath.Join(work, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fault.New(fault.EngineUnavailable, "npm pack %s left %d packages instead of one%s", t.Package(), len(found), tail(out.String()))
	}
	return found[0], nil
}

// unpackChecked compares the package with its pin and only then opens it.
func unpackChecked(archive, dir string, t Target) ([]unpacked, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)); got != t.Integrity {
		return nil, fault.New(fault.EngineUnavailable, "%s is not the package this build expects: its digest is %s, not %s", t.Package(), got, t.Integrity).
			WithHint("the registry or a proxy changed it; nothing was installed")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	files, err := unpack(f, dir, t)
	if err != nil {
		return nil, fault.Wrap(fault.EngineUnavailable, err, "%v", err)
	}
	return files, finish(dir, files)
}

// finish adds the links and the list of digests.
func finish(dir string, files []unpacked) error {
	var sums strings.Builder
	for _, f := range files {
		fmt.Fprintf(&sums, "%s  %s\n", f.sha256, f.name)
		if link, ok := linkFor(f.name); ok {
			if err := os.Symlink(f.name, filepath.Join(dir, link)); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(dir, sumsFile), []byte(sums.String()), 0o644)
}

// rename moves fresh to dir. If dir is taken, either somebody else installed it meanwhile, which is as good, or
// it is an old engine: that one is moved into work, which the caller deletes.
func rename(fresh, dir, work string, t Target) error {
	var err error
	for i := range 4 {
		if err = os.Rename(fresh, dir); err == nil {
			return nil
		}
		if verify(dir, t) == nil {
			return nil
		}
		if err := replaceable(dir); err != nil {
			return err
		}
		if old := os.Rename(dir, filepath.Join(work, fmt.Sprintf("old-%d", i))); old != nil && !errors.Is(old, os.ErrNotExist) {
			return fault.Wrap(fault.EngineUnavailable, old, "cannot replace %s: %v", dir, old)
		}
	}
	return fault.Wrap(fault.EngineUnavailable, err, "cannot put the engine into %s: %v", dir, err)
}

// replaceable refuses a folder that holds anything but engine files: a slip of the hand (--dir $HOME) must cost
// nothing.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.Wrap(fault.EngineUnavailable, err, "cannot look into %s: %v", dir, err)
	}
	for _, e := range entries {
		n := e.Name()
		if n != metadataFile && n != sumsFile && n != "LICENSE" && !wanted.MatchString(n) || e.IsDir() {
			return fault.New(fault.EngineUnavailable, "%s holds %s, which is no part of an engine: not replaced", dir, n).
				WithHint("choose an empty folder, or one that does not exist")
		}
	}
	return nil
}

// tail returns the last line of foreign output, printable and short, led by a colon; "" if there is none.
func tail(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	if s == "" {
		return ""
	}
	return ": " + s
}
