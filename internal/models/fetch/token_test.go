package fetch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhereTheTokenComesFrom(t *testing.T) {
	dir := t.TempDir()
	put := func(path, content string) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("path", "of-path\n")
	put("hf/token", " of-hf-home \n")
	put("cache/huggingface/token", "of-cache")
	put("home/.cache/huggingface/token", "of-home")
	put("bad", "two\nlines")
	put("long", strings.Repeat("x", 5000))
	env := map[string]string{"HF_TOKEN": "of-env", "HF_TOKEN_PATH": dir + "/path", "HF_HOME": dir + "/hf", "XDG_CACHE_HOME": dir + "/cache", "HOME": dir + "/home"}
	for _, step := range []struct{ unset, want string }{
		{"", "of-env"}, {"HF_TOKEN", "of-path"}, {"HF_TOKEN_PATH", "of-hf-home"}, {"HF_HOME", "of-cache"}, {"XDG_CACHE_HOME", "of-home"}, {"HOME", ""},
	} {
		delete(env, step.unset)
		if got := Token(func(n string) string { return env[n] }); got != step.want {
			t.Errorf("without %s: %q, want %q", step.unset, got, step.want)
		}
	}
	for _, path := range []string{"bad", "long", "missing", "hf"} {
		if got := Token(func(n string) string { return map[string]string{"HF_TOKEN_PATH": filepath.Join(dir, path)}[n] }); got != "" {
			t.Errorf("%s: %.20q", path, got)
		}
	}
	if got := Token(func(n string) string { return map[string]string{"HF_TOKEN": "a\r\nX-Evil: b"}[n] }); got != "" {
		t.Errorf("a token with lines: %q", got)
	}
}
