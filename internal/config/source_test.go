package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rbee/internal/fault"
)

func TestWhereTheConfigFileIs(t *testing.T) {
	for _, c := range []struct {
		name, flag string
		env        Env
		want       Source
	}{
		{"home", "", env("HOME", "/h"), Source{"/h/.config/rbee/config.toml", false}},
		{"no home", "", env("XDG_CONFIG_HOME", "/x"), Source{"/x/rbee/config.toml", false}},
		{"variable", "", env("HOME", "/h", "RBEE_CONFIG", "/v.toml"), Source{"/v.toml", false}},
		{"flag", "/f.toml", env("RBEE_CONFIG", "/v.toml"), Source{"/f.toml", true}},
		{"nowhere", "", env(), Source{}},
	} {
		got, err := c.env.ConfigFile(c.flag)
		if got != c.want || (err == nil) != (c.want.Path != "") {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

// config writes a file with that mode and returns where it is.
func config(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileThatIsNotThereSaysNothing(t *testing.T) {
	dir := t.TempDir()
	file := config(t, "", 0o600)
	for name, e := range map[string]Env{
		"no file": env("XDG_CONFIG_HOME", dir), "no folder": env("HOME", dir+"/nobody"), "below a file": env("RBEE_CONFIG", file+"/x"),
		"no place for one": env(), "the null device": env("RBEE_CONFIG", os.DevNull), "an empty file": env("RBEE_CONFIG", file),
	} {
		f, err := e.Load("")
		if err != nil || len(f.Nodes)+len(f.Models) != 0 || f.Nodes == nil || f.Models == nil || f.DefaultNode != "" {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	if _, err := env().Load(dir + "/none.toml"); err == nil || !strings.Contains(err.Error(), "none.toml: no such file") {
		t.Errorf("named by a flag: %v", err)
	}
}

// A config file may say which programs to run.
func TestAFileThatOthersCouldHaveWrittenIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o620, 0o602, 0o666, 0o777} {
		path := config(t, "default_node = 'a'", mode)
		_, err := env().Load(path)
		if err == nil || !strings.Contains(err.Error(), "so others can write to it") || !strings.Contains(fault.From(err).Hint, "chmod go-w "+path) {
			t.Errorf("%o: %v", mode, err)
		}
	}
	for _, mode := range []os.FileMode{0o400, 0o600, 0o644} {
		if f, err := env().Load(config(t, "default_node = 'a'", mode)); err != nil || f.DefaultNode != "a" {
			t.Errorf("%o: %v", mode, err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(config(t, "", 0o666), link); err != nil {
		t.Fatal(err)
	}
	if _, err := env().Load(link); err == nil || !strings.Contains(err.Error(), "so others can write to it") {
		t.Errorf("behind a link: %v", err)
	}
}

// stranger is the file of another user: a test that is not root cannot make one.
type stranger struct {
	os.FileInfo
	uid uint32
}

func (s stranger) Sys() any { return &syscall.Stat_t{Uid: s.uid} }

func TestAFileOfAnotherUserIsRefused(t *testing.T) {
	info, err := os.Stat(config(t, "", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if err := trusted("c", stranger{info, uint32(os.Geteuid()) + 1}); err == nil || !strings.Contains(err.Error(), "belongs to user") {
		t.Errorf("another user's: %v", err)
	}
	for _, uid := range []uint32{0, uint32(os.Geteuid())} {
		if err := trusted("c", stranger{info, uid}); err != nil {
			t.Errorf("user %d: %v", uid, err)
		}
	}
}

func TestWhatIsNoFileIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	if _, err := env().Load(dir); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("a folder: %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := env().Load(pipe); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if _, err := env().Load(config(t, "#"+strings.Repeat("x", maxFileBytes), 0o600)); err == nil || !strings.Contains(err.Error(), "is more than 1048576 bytes") {
		t.Errorf("too long: %v", err)
	}
}
