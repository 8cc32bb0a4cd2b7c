package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/fault"
)

func TestModelDirectory(t *testing.T) {
	cwd, plain := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(cwd, testModels), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(plain, testModels), nil, 0o600); err != nil { // a file of that name is none
		t.Fatal(err)
	}
	all := map[string]string{"RBEE_MODELS_DIR": "/env", "XDG_CACHE_HOME": "/cache", "HOME": "/home/u"}
	without := func(names ...string) map[string]string {
		m := map[string]string{}
		for k, v := range all {
			m[k] = v
		}
		for _, n := range names {
			delete(m, n)
		}
		return m
	}
	for name, c := range map[string]struct {
		env       Env
		vars      map[string]string
		dir, says string
	}{
		"flag first":                {Env{CWD: cwd, Local: true, ModelsDir: "/flag"}, all, "/flag", "--models-dir"},
		"relative flag":             {Env{CWD: cwd, Local: true, ModelsDir: "x/../m"}, all, cwd + "/m", "--models-dir"},
		"home in a flag":            {Env{CWD: cwd, Local: true, ModelsDir: "~/m"}, all, "/home/u/m", "--models-dir"},
		"then the variable":         {Env{CWD: cwd, Local: true}, all, "/env", "RBEE_MODELS_DIR"},
		"then the caller's folder":  {Env{CWD: cwd, Local: true}, without("RBEE_MODELS_DIR"), cwd + "/.test-models", ".test-models"},
		"which is nothing remotely": {Env{CWD: cwd}, without("RBEE_MODELS_DIR"), "/cache/rbee/models", "XDG_CACHE_HOME"},
		"nor as a file":             {Env{CWD: plain, Local: true}, without("RBEE_MODELS_DIR"), "/cache/rbee/models", "XDG_CACHE_HOME"},
		"no HOME is fine":           {Env{}, map[string]string{"XDG_CACHE_HOME": "/cache"}, "/cache/rbee/models", "XDG_CACHE_HOME"},
		"then HOME":                 {Env{}, map[string]string{"HOME": "/home/u"}, "/home/u/.cache/rbee/models", "HOME"},
		"relative XDG is ignored":   {Env{}, map[string]string{"XDG_CACHE_HOME": "c", "HOME": "/home/u"}, "/home/u/.cache/rbee/models", "HOME"},
	} {
		c.env.Getenv = func(name string) string { return c.vars[name] }
		dir, why, err := Dir(c.env)
		if err != nil || dir != c.dir || !strings.Contains(why, c.says) {
			t.Errorf("%s: %s (%s), %v", name, dir, why, err)
		}
	}
}

func TestNoPlaceForModelsNamesBothVariables(t *testing.T) {
	_, _, err := Dir(Env{Getenv: func(string) string { return "" }})
	e := fault.From(err)
	if e == nil || !strings.Contains(e.Message, "XDG_CACHE_HOME") || !strings.Contains(e.Message, "HOME is set") {
		t.Error(err)
	}
}
