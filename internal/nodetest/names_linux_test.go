package nodetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/testbed"
)

// files lists every path below a folder.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// nothingNamed checks that no file of that name appeared, here or on a host.
func nothingNamed(t *testing.T, w *world, h *testbed.Host, name string) {
	t.Helper()
	there, err := h.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if strings.Contains(f.Path, name) {
			t.Errorf("on the node: %v", f)
		}
	}
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{w.dir, cwd} {
		for _, f := range files(t, dir) {
			if strings.Contains(f, name) {
				t.Errorf("here: %s", f)
			}
		}
	}
}

// A name is never a piece of a command, for no shell, here or there.
func TestTreeANameIsNotRunByAnyShell(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	for _, name := range []string{
		"$(touch pwned)", "`touch pwned`", "a;touch pwned", "a|touch pwned", "a\ntouch pwned", "-oProxyCommand=touch pwned", "--", "h1 touch pwned", "'; touch pwned; '",
		"h1@$(touch pwned)", "$(touch pwned)@h1", "-oProxyCommand=touch${IFS}pwned@h1", "ssh://h1/$(touch pwned)", "../pwned", "h1\x00pwned", "%h", strings.Repeat("pwned", 200),
	} {
		if strings.Contains(name, "\x00") {
			continue // no argument can hold it
		}
		w := newWorld(t, b, programs.Fake)
		r := w.rbee("infer", "--node="+name, "--model", "demo", "--prompt", "x")
		if code := r.End(); code != 1 && code != 2 {
			t.Errorf("%q: exit code %d\n%s", name, code, r.Stderr)
		}
		if s := r.Stderr.String(); !strings.Contains(s, "NODE_UNKNOWN") && !strings.Contains(s, "INVALID_REQUEST") && !strings.Contains(s, "--node") {
			t.Errorf("%q: %s", name, s)
		}
		r.Clean(0)
		nothingNamed(t, w, h, "pwned")
		for _, f := range files(t, w.dir) {
			if strings.HasSuffix(f, ".partial") {
				t.Errorf("%q: left %s", name, f)
			}
		}
	}
}

// Nor is a user's or host's name that the configuration gives.
func TestTreeANameInTheConfigurationIsNotRunByAnyShell(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	address := fmt.Sprintf("host = '%s'\nport = %d\n", h.Addr, h.Port)
	for what, config := range map[string]string{
		"user":      address + "user = '$(touch pwned)'\n",
		"host":      "host = '$(touch pwned)'\n",
		"option":    "host = '-oProxyCommand=$(touch pwned)'\n",
		"jump":      address + "jump = '-oProxyCommand=$(touch pwned)'\n",
		"cache_dir": address + "user = '" + h.User + "'\nidentity = '" + b.KeyFile + "'\ncache_dir = '" + h.Home("") + "/$(touch pwned)'\n",
	} {
		w := newWorld(t, b, programs.Fake, "UserKnownHostsFile "+b.KnownHosts)
		w.write(".config/rbee/config.toml", "[nodes.x]\n"+config)
		r := w.infer("x")
		r.Want(1, "INVALID_REQUEST", "pwned)")
		r.Clean(0)
		nothingRuns(t, h, 0)
		if there, err := h.Files(); err != nil {
			t.Fatal(err)
		} else {
			for _, f := range there {
				if filepath.Base(f.Path) == "pwned" {
					t.Errorf("%s: on the node: %v", what, f)
				}
			}
		}
	}
}

func TestTreeAModelsNameIsOnlyANameOnTheNode(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	for _, ref := range []string{
		"$(touch pwned)", "'; touch pwned; '", "\"; touch pwned; \"", "a\ntouch pwned", h.Home("") + "/x y/$(touch pwned)'\"\n.gguf", "../../../pwned", "-pwned", "%00pwned",
	} {
		r := w.infer("h1", "--model="+ref)
		if code := r.End(); code != 1 && code != 2 {
			t.Errorf("%q: exit code %d\n%s", ref, code, r.Stderr)
		}
		if s := r.Stderr.String(); !strings.Contains(s, "MODEL_") && !strings.Contains(s, "--model") {
			t.Errorf("%q: %s", ref, s)
		}
		r.Clean(0)
		nothingNamed(t, w, h, "pwned")
	}
	// A file that is really called so is found.
	name := "it's a \"model\"; touch pwned"
	put(t, h, ".cache/rbee/models/x/y.gguf", model(t, newWorld(t, b, programs.Fake)))
	if err := os.Rename(h.Path(h.Home("")+"/.cache/rbee/models/x"), h.Path(h.Home("")+"/"+name)); err != nil {
		t.Fatal(err)
	}
	w.infer("h1", "--model", h.Home("")+"/"+name+"/y.gguf").Want(0, "clean: 3 processes")
}
