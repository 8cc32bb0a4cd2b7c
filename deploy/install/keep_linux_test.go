package install

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNobodyElseCanReadWhatIsInstalled(t *testing.T) {
	c := node(t, "")
	if _, err := Install(t.Context(), c, at(home), small(t, "", 1000), 0, nil); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(filepath.Join(c.home, home), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() || strings.HasSuffix(filepath.Dir(path), "/bin") {
			want = 0o700
		}
		if d.Type()&fs.ModeSymlink == 0 && info.Mode().Perm() != want {
			t.Errorf("%s: mode %o", path, info.Mode().Perm())
		}
		seen++
		return nil
	})
	if err != nil || seen < 10 {
		t.Errorf("%d entries, %v", seen, err)
	}
}

// folders lists the bundles on the node.
func folders(t *testing.T, c *local) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(c.home, home, "bundles"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// plant makes a bundle's folder as an earlier visit left it, that long ago, with a copy of sleep as its hive.
func (c *local) plant(t *testing.T, name string, age time.Duration) (hive string) {
	t.Helper()
	dir := filepath.Join(c.home, home, "bundles", name)
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	hive = filepath.Join(dir, "bin/rbee-hive")
	if err := os.WriteFile(hive, text, 0o700); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(dir, at, at); err != nil {
		t.Fatal(err)
	}
	return hive
}

func TestOldBundlesGoButNotThoseThatRun(t *testing.T) {
	c := node(t, "")
	name := func(i int) string { return fmt.Sprintf("%032x", i) }
	var running string
	for i := range 5 {
		hive := c.plant(t, name(i), time.Duration(10-i)*time.Hour) // 0 is the oldest
		if i == 0 {
			running = hive
		}
	}
	c.plant(t, "somebody-elses", 100*time.Hour)
	hive := exec.Command(running, "600")
	if err := hive.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hive.Process.Kill(); hive.Wait() })
	moves := filepath.Join(c.home, "moves")
	c.tool(t, "mv", "echo \"$1\" >>"+moves+"\nexec /bin/mv \"$@\"\n")

	b := small(t, "", 1000)
	if _, err := Install(t.Context(), c, at(home), b, 0, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{name(0), name(3), name(4), b.Folder(), "somebody-elses"}
	slices.Sort(want)
	if got := folders(t, c); !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	// Not even for a moment: the hive may be starting a worker.
	if text, err := os.ReadFile(moves); err != nil || strings.Contains(string(text), name(0)) || !strings.Contains(string(text), name(1)) {
		t.Errorf("moved: %s, %v", text, err)
	}
}

func TestAHiveThatStartsWhileItsBundleIsPrunedKeepsIt(t *testing.T) {
	c := node(t, "")
	name := func(i int) string { return fmt.Sprintf("%032x", i) }
	for i := range 3 {
		c.plant(t, name(i), time.Duration(10-i)*time.Hour)
	}
	// The prune's mv starts the hive first, as another queen may just then.
	pid := filepath.Join(c.home, "pid")
	c.tool(t, "mv", fmt.Sprintf("case $1 in */%s) [ -e %s ] || { \"$1/bin/rbee-hive\" 600 </dev/null >/dev/null 2>&1 & echo $! >%s; } ;; esac\n"+
		"until [ ! -e %s ] || ls -l /proc/$(cat %s)/exe | grep -q rbee-hive; do :; done\nexec /bin/mv \"$@\"\n", name(0), pid, pid, pid, pid))
	t.Cleanup(func() {
		if text, err := os.ReadFile(pid); err == nil {
			exec.Command("kill", "-KILL", strings.TrimSpace(string(text))).Run()
		}
	})
	if _, err := Install(t.Context(), c, at(home), small(t, "", 1000), 0, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(pid); err != nil {
		t.Fatalf("the hive was not started: %v", err)
	}
	if got := folders(t, c); !slices.Contains(got, name(0)) {
		t.Errorf("pruned under a running hive: %v", got)
	}
}

func TestOnlyTheStagesOfTheDeadAreSwept(t *testing.T) {
	c := node(t, "")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	stage := func(name, owner string, age time.Duration) {
		dir := filepath.Join(c.home, home, ".stage-"+name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if owner != "" {
			if err := os.WriteFile(filepath.Join(dir, "owner"), []byte(owner+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(dir, at, at); err != nil {
			t.Fatal(err)
		}
	}
	stage("dead", fmt.Sprint(dead.Process.Pid, " ", host), time.Minute)
	stage("living", fmt.Sprint(os.Getpid(), " ", host), 5*time.Hour)
	stage("elsewhere", fmt.Sprint(dead.Process.Pid, " another-host"), time.Minute)
	stage("elsewhere-old", fmt.Sprint(dead.Process.Pid, " another-host"), 2*time.Hour)
	stage("beginning", "", time.Minute)
	stage("never-began", "", 2*time.Hour)
	if _, err := Install(t.Context(), c, at(home), small(t, "", 1000), 0, nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range stages(t, filepath.Join(c.home, home)) {
		got = append(got, strings.TrimPrefix(filepath.Base(s), ".stage-"))
	}
	if want := []string{"beginning", "elsewhere", "living"}; !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}
}
