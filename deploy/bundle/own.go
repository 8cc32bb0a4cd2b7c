package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"rbee/internal/config"
	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
	"rbee/internal/version"
)

// keep is how many packed bundles stay in the cache: as many builds as one switches between.
const keep = 3

var packing sync.Mutex

func host() Platform { return Platform{OS: runtime.GOOS, Arch: runtime.GOARCH} }

// own packs the programs beside executable and the engine for p's device, if it is installed. The result lies in the cache under its ID; what
// leads to it is a manifest named by size, time and inode of every member, so that an unchanged installation is
// recognised by looking at its files, not by reading them.
func own(getenv func(string) string, executable string, p Platform) (Bundle, error) {
	packing.Lock() // several nodes may be reached at once: one packs, the others find it
	defer packing.Unlock()
	cache, err := config.New(getenv).CacheDir()
	if err != nil {
		return Bundle{}, err
	}
	engine, err := engineFor(getenv, executable, p.Device)
	if err != nil {
		return Bundle{}, err
	}
	bin := filepath.Dir(executable)
	all, err := members(Parts{filepath.Join(bin, "rbee-hive"), filepath.Join(bin, "llm-worker-rbee"), engine})
	if err != nil {
		return Bundle{}, cannotPack(err)
	}
	dir, name := filepath.Join(cache, "bundles"), "own-"+key(all)
	file := func(b Bundle) string { return b.Folder() }
	if b, err := readManifest(filepath.Join(dir, name+".json"), file); err == nil && b.Build == version.Build() && b.Platform == p {
		return b, nil
	}
	b, err := store(dir, p, version.Build(), all, file, name)
	if err != nil {
		return Bundle{}, cannotPack(err)
	}
	prune(dir, b)
	return b, nil
}

func engineFor(getenv func(string) string, executable, device string) (string, error) {
	if device == "" {
		return enginelib.Find(getenv, executable)
	}
	for _, s := range enginelib.Installed(getenv, executable) {
		if s.Backend() == device {
			return s.Dir, nil
		}
	}
	return "", fault.New(fault.BackendUnavailable, "cannot send the engine for %s to a node: it is not installed on this machine", device).
		WithHint("%s; or correct devices of that node in the configuration", enginelib.InstallHint(device)).With("backend", device)
}

func cannotPack(err error) error {
	return fault.Wrap(fault.HiveStartFailed, err, "cannot pack this installation's own programs for a node like this machine (%s): %v", host(), err).
		WithHint("build them with: make build engine, or make a bundle with: make bundles")
}

// key names a state of the members on this disk.
func key(all []member) string {
	h := sha256.New()
	fmt.Fprintln(h, version.Build())
	for _, m := range all {
		if m.info == nil {
			continue
		}
		var inode uint64
		if st, ok := m.info.Sys().(*syscall.Stat_t); ok {
			inode = st.Ino
		}
		fmt.Fprintln(h, m.name, m.path, m.link, m.info.Size(), m.info.ModTime().UnixNano(), inode)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// prune removes from the cache what this package once packed, but for the newest. The folders in there are those
// that a queen elsewhere unpacked, for whom this machine is a node: they are not ours.
func prune(dir string, newest Bundle) {
	for _, names := range []string{"own-????????????????.json", "????????????????????????????????.tar.gz"} {
		files, _ := filepath.Glob(filepath.Join(dir, names))
		slices.SortFunc(files, func(a, b string) int { return modified(b).Compare(modified(a)) })
		for _, f := range files[min(keep, len(files)):] {
			if f != newest.Path {
				os.Remove(f)
			}
		}
	}
	// Left by a process that was killed while it packed, which takes a second.
	partial, _ := filepath.Glob(filepath.Join(dir, pattern))
	for _, f := range partial {
		if time.Since(modified(f)) > time.Hour {
			os.Remove(f)
		}
	}
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
