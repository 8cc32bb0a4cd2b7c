package enginelib

import (
	"path/filepath"
	"runtime"
	"strings"

	"rbee/internal/fault"
)

// Find returns the folder of the plain engine, the one for the CPU. It looks at, in this order:
//
//  1. $RBEE_ENGINE_DIR: if it is set, nothing else counts;
//  2. lib/rbee beside the program's own bin folder (<executable>/../lib/rbee, the folder itself): where a release
//     archive, `make install` and a node's bundle put it;
//  3. $XDG_CACHE_HOME/rbee/engine/<release>-<target> (XDG_CACHE_HOME defaults to $HOME/.cache).
//
// The first that holds the pinned release for this platform is returned, an absolute path; without a plain one, the
// first of those for a GPU, which compute on the CPU as well (Installed lists them all). The error is an
// ENGINE_UNAVAILABLE with the folder, what was expected and what was found.
//
// executable is the program's path (os.Executable). Find takes well under a millisecond and loads nothing.
func Find(getenv func(string) string, executable string) (string, error) {
	t, ok := HostTarget()
	if !ok {
		return "", fault.New(fault.EngineUnavailable, "there is no llama.cpp %s for %s/%s", Release, runtime.GOOS, runtime.GOARCH).
			WithHint("run the model on another node: --node NAME")
	}
	if err := checkRuntime(getenv); err != nil {
		return "", err
	}
	sets, worst := look(getenv, executable)
	if len(sets) > 0 {
		return sets[0].Dir, nil
	}
	return "", unavailable(t, worst, candidates(getenv, executable, t))
}

// Destination is where `rbee engine install` puts a target's libraries when it is not told otherwise:
// $RBEE_ENGINE_DIR, else the cache folder. "" if neither is known (no HOME).
func Destination(getenv func(string) string, t Target) string {
	dirs := candidates(getenv, "", t)
	if len(dirs) == 0 {
		return ""
	}
	return dirs[len(dirs)-1]
}

// candidates are the folders where a target may be.
func candidates(getenv func(string) string, executable string, t Target) []string {
	if dir := getenv("RBEE_ENGINE_DIR"); dir != "" {
		return []string{absolute(dir)}
	}
	var dirs []string
	if executable != "" {
		if real, err := filepath.EvalSymlinks(executable); err == nil {
			executable = real // /usr/local/bin/rbee may be a link into the release's folder
		}
		dirs = append(dirs, absolute(filepath.Join(filepath.Dir(executable), "..", "lib", "rbee")))
	}
	cache := getenv("XDG_CACHE_HOME")
	if cache == "" {
		if home := getenv("HOME"); home != "" {
			cache = filepath.Join(home, ".cache")
		}
	}
	if cache != "" {
		dirs = append(dirs, filepath.Join(absolute(cache), "rbee", "engine", Release+"-"+t.Name))
	}
	return dirs
}

func absolute(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}

func unavailable(t Target, m *mismatch, looked []string) *fault.Error {
	expected := build{Release, t.Platform, t.Arch, t.GPU}.String()
	if m == nil {
		return fault.New(fault.EngineUnavailable, "no folder to look for %s in: neither RBEE_ENGINE_DIR nor HOME is set", expected).
			WithHint("set RBEE_ENGINE_DIR, or HOME and %s", InstallHint(""))
	}
	where := m.dir
	if m.empty && len(looked) > 1 {
		where = strings.Join(looked, " and ")
	}
	return fault.New(fault.EngineUnavailable, "cannot use the engine in %s: expected %s, found %s", where, expected, m.found).
		WithHint("%s", InstallHint("")).
		With("folder", m.dir).With("looked_in", looked).With("expected", expected).With("found", m.found)
}
