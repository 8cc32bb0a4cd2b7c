package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/fault"
)

func env(pairs ...string) Env {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return New(func(k string) string { return m[k] })
}

func TestFolders(t *testing.T) {
	for _, c := range []struct {
		name              string
		env               Env
		state, cache, cfg string // "" = an error
	}{
		{"home", env("HOME", "/h"), "/h/.local/state/rbee", "/h/.cache/rbee", "/h/.config/rbee"},
		{"variables", env("HOME", "/h", "XDG_STATE_HOME", "/s", "XDG_CACHE_HOME", "/c", "XDG_CONFIG_HOME", "/f"), "/s/rbee", "/c/rbee", "/f/rbee"},
		{"no home", env("XDG_STATE_HOME", "/s", "XDG_CACHE_HOME", "/c"), "/s/rbee", "/c/rbee", ""},
		{"relative is not set", env("HOME", "/h", "XDG_STATE_HOME", "s"), "/h/.local/state/rbee", "/h/.cache/rbee", "/h/.config/rbee"},
		{"nothing", env(), "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for variable, f := range map[string]struct {
				find func() (string, error)
				want string
			}{
				"XDG_STATE_HOME":  {c.env.StateDir, c.state},
				"XDG_CACHE_HOME":  {c.env.CacheDir, c.cache},
				"XDG_CONFIG_HOME": {c.env.ConfigDir, c.cfg},
			} {
				got, err := f.find()
				if got != f.want || (err == nil) != (f.want != "") {
					t.Errorf("%s: %q, %v; want %q", variable, got, err, f.want)
				}
				if err != nil && !strings.Contains(err.Error(), variable) {
					t.Errorf("%q does not name %s", err, variable)
				}
			}
		})
	}
}

func TestAPathBelowHomeNeedsHome(t *testing.T) {
	for path, want := range map[string]string{"~/a": "/h/a", "/a/~/b": "/a/~/b", "~": "~", "/a": "/a"} {
		if got, err := env("HOME", "/h").Expand(path); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", path, got, err, want)
		}
	}
	if _, err := env().Expand("/a"); err != nil {
		t.Errorf("an absolute one without HOME: %v", err)
	}
	if _, err := env("HOME", "h").Expand("~/a"); err == nil || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("one below home without HOME: %v", err)
	}
}

func TestSocket(t *testing.T) {
	long := "/" + strings.Repeat("x", 200)
	for _, c := range []struct {
		name, flag string
		env        Env
		want       Socket
		err        string
	}{
		{"runtime", "", env("XDG_RUNTIME_DIR", "/run/user/1", "HOME", "/h"), Socket{"/run/user/1/rbee/queen.sock", false}, ""},
		{"state", "", env("HOME", "/h"), Socket{"/h/.local/state/rbee/queen.sock", false}, ""},
		{"variable", "", env("RBEE_SOCKET", "/v"), Socket{"/v", true}, ""},
		{"flag", "unix:/f", env("RBEE_SOCKET", "/v"), Socket{"/f", true}, ""},
		{"nothing", "", env(), Socket{}, "XDG_STATE_HOME"},
		{"too long", long, env(), Socket{long, true}, "socket path is 201 bytes long, allowed is up to "},
		{"too long by default", "", env("XDG_RUNTIME_DIR", long), Socket{long + "/rbee/queen.sock", false}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.env.Socket(c.flag)
			if c.err == "" && (err != nil || got != c.want) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
			if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || got.Named != c.want.Named) {
				t.Errorf("got %v, %v; want an error with %q", got, err, c.err)
			}
		})
	}
}

func TestSocketPathLimitIsTheKernels(t *testing.T) {
	if err := CheckSocketPath(strings.Repeat("x", maxSocketPath)); err != nil {
		t.Error(err)
	}
	if err := CheckSocketPath(strings.Repeat("x", maxSocketPath+1)); fault.CodeOf(err) != fault.InvalidRequest {
		t.Errorf("one byte more: %v", err)
	}
}

func TestPrivateDir(t *testing.T) {
	top := t.TempDir()
	dir, err := env("XDG_STATE_HOME", top).LogDir("run1")
	if err != nil {
		t.Fatal(err)
	}
	for d := dir; d != top; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v; want 0700", d, info.Mode(), err)
		}
	}
	open := filepath.Join(top, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(open); err == nil || !strings.Contains(err.Error(), "mode is 0777") {
		t.Errorf("a folder that others write to: %v", err)
	}
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(filepath.Join(file, "below")); fault.CodeOf(err) != fault.InvalidRequest {
		t.Errorf("below a file: %v", err)
	}
}
