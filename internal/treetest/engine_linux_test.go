package treetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTreeSaysWhatTheEngineLacksBeforeAWorkerIsStarted(t *testing.T) {
	t.Parallel()
	empty, other := t.TempDir(), t.TempDir()
	built := os.Getenv("RBEE_ENGINE_DIR") + "/_nlcBuildMetadata.json"
	if built[0] != '/' {
		t.Fatal("RBEE_ENGINE_DIR is not set; make test does it")
	}
	b, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, filepath.Base(built)), []byte(strings.Replace(string(b), `"release":"`, `"release":"x`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		says []string
	}{
		"no folder":       {"/nonexistent", []string{"/nonexistent", "expected llama.cpp v", "found no such folder", "rbee engine install"}},
		"an empty folder": {empty, []string{empty, "expected llama.cpp v", "found no _nlcBuildMetadata.json", "rbee engine install"}},
		"another release": {other, []string{other, "expected llama.cpp v", "found llama.cpp xv", "rbee engine install"}},
	} {
		r := infer(t, real, "RBEE_ENGINE_DIR="+c.dir, "--json")
		r.Want(1, append(c.says, "ENGINE_UNAVAILABLE")...)
		if took := time.Since(r.Began); took > 2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if rc := r.Receipt(); len(rc.Processes) != 2 || !rc.Clean {
			t.Errorf("%s: receipt %+v, want queen and hive, no worker", name, rc)
		}
		r.Clean(0)
	}
}

// Without libffi a worker cannot even reach its main. The library is hidden in a mount namespace of the run's own.
func TestTreeSaysThatLibffiIsMissing(t *testing.T) {
	t.Parallel()
	const hide = `set -e
mount -t tmpfs none "$1"
mkdir "$1/up" "$1/work"
lib=$(ldconfig -p | sed -n 's/.*libffi\.so\.8 .*=> //p' | head -n 1)
dir=$(dirname "$(readlink -f "$lib")")
mount -t overlay overlay -o "lowerdir=$dir,upperdir=$1/up,workdir=$1/work$2" "$dir"
rm "$dir/libffi.so.8"
shift 2
exec "$@"`
	namespace, overlay := []string{"-m"}, ""
	if os.Geteuid() != 0 {
		namespace, overlay = []string{"-r", "-m"}, ",userxattr"
	}
	wrap := append(namespace, "sh", "-c", hide, "hide", t.TempDir(), overlay)
	if out, err := exec.Command("unshare", append(wrap, "true")...).CombinedOutput(); err != nil {
		t.Fatalf("cannot hide libffi: %v\n%s", err, out)
	}
	r := inferBy(t, append([]string{"unshare"}, wrap...), real, "--json")
	r.Want(1, "ENGINE_UNAVAILABLE", "libffi.so.8", "apt install libffi8")
	if took := time.Since(r.Began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	if rc := r.Receipt(); len(rc.Processes) != 2 || !rc.Clean {
		t.Errorf("receipt %+v, want queen and hive, no worker", rc)
	}
	r.Clean(0)
}
