// Package config knows where rbee keeps what it must keep: the folders of the XDG base directory specification,
// and the socket of a daemon. And it reads the one file that the user writes, config.toml: File says what is in it.
//
//	state    $XDG_STATE_HOME/rbee    or $HOME/.local/state/rbee   logs/<run>/, the socket of last resort
//	cache    $XDG_CACHE_HOME/rbee    or $HOME/.cache/rbee         models/, engine/, bundles/
//	config   $XDG_CONFIG_HOME/rbee   or $HOME/.config/rbee        config.toml
//	runtime  $XDG_RUNTIME_DIR/rbee   (no other)                   queen.sock
//
// A folder is looked up only when it is wanted, so a missing HOME is an error only for what needs it, and the
// error names the variable. As the specification asks, a relative path in a variable counts as not set.
//
// (github.com/adrg/xdg, the usual library, reads the environment once at start and invents a folder where HOME is
// missing; both are what this package must not do.)
package config

import (
	"path/filepath"
	"strings"

	"rbee/internal/fault"
)

// Env finds folders with the variables of one environment.
type Env struct{ get func(string) string }

// New returns the folders of the environment that getenv reads, usually os.Getenv.
func New(getenv func(string) string) Env { return Env{getenv} }

// StateDir is where logs are kept.
func (e Env) StateDir() (string, error) { return e.dir("XDG_STATE_HOME", ".local/state") }

// CacheDir is where models and engines are kept.
func (e Env) CacheDir() (string, error) { return e.dir("XDG_CACHE_HOME", ".cache") }

// ConfigDir is where the user's configuration is kept.
func (e Env) ConfigDir() (string, error) { return e.dir("XDG_CONFIG_HOME", ".config") }

// Expand returns a path of this machine with ~/ put in full.
func (e Env) Expand(path string) (string, error) {
	below, tilde := strings.CutPrefix(path, "~/")
	if !tilde {
		return path, nil
	}
	home := e.get("HOME")
	if !filepath.IsAbs(home) {
		return "", fault.New(fault.InvalidRequest, "%s is below your home, and HOME is not set to an absolute path", path).
			WithHint("set HOME, or write the whole path").With("variable", "HOME")
	}
	return filepath.Join(home, below), nil
}

// dir does not create anything.
func (e Env) dir(variable, underHome string) (string, error) {
	if d := e.get(variable); filepath.IsAbs(d) {
		return filepath.Join(d, "rbee"), nil
	}
	if home := e.get("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, underHome, "rbee"), nil
	}
	return "", fault.New(fault.InvalidRequest, "neither %s nor HOME is set to an absolute path", variable).
		WithHint("set HOME, or %s to a folder that rbee may write to", variable).With("variable", variable)
}
