package models

import (
	"os"
	"path/filepath"
	"strings"

	"rbee/internal/fault"
)

// Env is what resolving depends on, besides the files.
type Env struct {
	// CWD is the caller's working directory. It counts only if Local.
	CWD string
	// ModelsDir is --models-dir (or the caller's RBEE_MODELS_DIR); "" if not given.
	ModelsDir string
	// Local is true on the caller's own machine.
	Local bool
	// Getenv reads the environment of this process; nil is os.Getenv.
	Getenv func(string) string
	// Names are the user's own short names: name -> hf:org/repo, with a quantisation or a file if need be. They
	// go before the built-in ones.
	Names map[string]string
	// Sources are where other programs keep models; what is there is used in place.
	Sources []Source
	// Fetcher gets what is not there; nil: nothing is fetched.
	Fetcher Fetcher
	// Progress hears how a fetch goes; it may be nil.
	Progress func(Progress)
}

func (e Env) getenv(name string) string {
	if e.Getenv == nil {
		return os.Getenv(name)
	}
	return e.Getenv(name)
}

// testModels is a model directory that a project keeps in its own tree.
const testModels = ".test-models"

// Dir returns the model directory, an absolute path that may not exist yet, and why it is that one. Errors are
// MODEL_REF_INVALID for a relative directory on a machine that is not the caller's, INVALID_REQUEST when the
// environment names no place.
func Dir(env Env) (dir, why string, err error) {
	for _, given := range []struct{ dir, why string }{
		{env.ModelsDir, "--models-dir"},
		{env.getenv("RBEE_MODELS_DIR"), "RBEE_MODELS_DIR"},
	} {
		if given.dir != "" {
			dir, err := env.absolute(given.dir)
			return dir, given.why, err
		}
	}
	if env.Local && filepath.IsAbs(env.CWD) {
		dir := filepath.Join(env.CWD, testModels)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir, testModels + " in the working directory", nil
		}
	}
	// A relative XDG path is to be ignored, says the XDG base directory specification.
	if cache := env.getenv("XDG_CACHE_HOME"); filepath.IsAbs(cache) {
		return filepath.Join(cache, "rbee", "models"), "XDG_CACHE_HOME", nil
	}
	if home := env.getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "rbee", "models"), "HOME", nil
	}
	return "", "", fault.New(fault.InvalidRequest, "there is no model directory: neither XDG_CACHE_HOME nor HOME is set").
		WithHint("set one of them, or give --models-dir (or RBEE_MODELS_DIR)")
}

// absolute makes a path that the user gave absolute. A relative one belongs to the caller's working directory.
func (e Env) absolute(path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/') {
		home := e.getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", fault.New(fault.ModelRefInvalid, "cannot resolve %s: HOME is not set", clip(path)).
				WithHint("give the whole path")
		}
		return filepath.Join(home, rest), nil
	}
	switch {
	case filepath.IsAbs(path):
		return filepath.Clean(path), nil
	case !e.Local:
		return "", fault.New(fault.ModelRefInvalid, "the relative path %s means nothing on another machine", clip(path)).
			WithHint("give a path of that node or the name of a model; or --push, to send the file that is here")
	case !filepath.IsAbs(e.CWD):
		return "", fault.New(fault.ModelRefInvalid, "cannot resolve the relative path %s: the caller's working directory is not known", clip(path)).
			WithHint("give the whole path")
	}
	return filepath.Join(e.CWD, path), nil
}
