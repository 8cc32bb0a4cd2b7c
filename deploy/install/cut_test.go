package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rbee/deploy/bundle"
	"rbee/internal/fault"
)

// nothing fails the test if the node's cache holds any part of an installation.
func nothing(t *testing.T, c *local) {
	t.Helper()
	if files := left(t, c); files != nil {
		t.Errorf("left in the cache: %v", files)
	}
	if s := stages(t, filepath.Join(c.home, home)); s != nil {
		t.Errorf("stages left: %v", s)
	}
}

// gone waits for the far side's shells to end.
func (c *local) gone() {
	c.Close()
	for _, p := range c.all {
		<-p.done
	}
}

// again is a new way to the same node.
func (c *local) again(t *testing.T) *local {
	n := node(t, c.shell)
	n.home, n.env = c.home, c.env
	return n
}

func TestACutUploadLeavesNothing(t *testing.T) {
	b := small(t, "", 1<<20)
	whole := int64(len(commonScript)+len(installScript)) + b.Packed - 100 // what is missing must not be gzip's own trailer only
	cuts := []int64{1, int64(len(commonScript) + len(installScript)), int64(len(commonScript)+len(installScript)) + 1, whole - 1}
	for range 8 {
		cuts = append(cuts, 1+rand.Int64N(whole-1))
	}
	for _, cut := range cuts {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			c := node(t, "")
			c.limit = cut
			_, err := Install(t.Context(), c, at(home), b, 0, nil)
			if fault.CodeOf(err) != fault.NodeLost {
				t.Errorf("a cut way: %v", err)
			}
			c.gone()
			nothing(t, c)
			if path, err := Install(t.Context(), c.again(t), at(home), b, 0, nil); err != nil {
				t.Errorf("the next visit: %q, %v", path, err)
			}
		})
	}
}

func TestACancelledUploadLeavesNothing(t *testing.T) {
	b := small(t, "", 4<<20)
	c := node(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Install(ctx, c, at(home), b, 0, func(sent, total int64) {
		if sent > total/2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	c.gone()
	nothing(t, c)
}

func TestWhatAKilledInstallerLeftIsRemovedByTheNextVisit(t *testing.T) {
	b := small(t, "", 4<<20)
	c := node(t, "")
	var once sync.Once
	_, err := Install(t.Context(), c, at(home), b, 0, func(sent, total int64) {
		if sent > total/2 {
			once.Do(func() { c.last().cmd.Process.Kill() })
		}
	})
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "ended early") {
		t.Errorf("killed: %v", err)
	}
	c.gone()
	if s := stages(t, filepath.Join(c.home, home)); len(s) != 1 {
		t.Fatalf("the killed one left %v: this test shows nothing", s)
	}
	if _, err := os.Stat(filepath.Join(c.home, HivePath("", b))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a bundle is in place: %v", err)
	}
	if _, err := Install(t.Context(), c.again(t), at(home), b, 0, nil); err != nil {
		t.Fatal(err)
	}
	if s := stages(t, filepath.Join(c.home, home)); s != nil {
		t.Errorf("still there: %v", s)
	}
}

func TestVisitsAtOnceDoNotHurtEachOther(t *testing.T) {
	b := small(t, "", 1<<20)
	c := node(t, "")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			facts, err := Probe(t.Context(), c, "")
			if err != nil {
				t.Error(err)
				return
			}
			path, err := Install(t.Context(), c, Facts{Places: facts.Places[:1]}, b, 0, nil)
			if err != nil || path != HivePath("", b) {
				t.Errorf("%q, %v", path, err)
			}
		})
	}
	wg.Wait()
	if files := left(t, c); len(files) != 5 {
		t.Errorf("in the cache: %v", files)
	}
	if s := stages(t, filepath.Join(c.home, home)); s != nil {
		t.Errorf("left: %v", s)
	}
}

// Between the look whether the bundle is there and the mv, another visit may have put it there: mv then moves into it.
func TestTheLaterOfTwoVisitsKeepsWhatTheEarlierPutThere(t *testing.T) {
	b := small(t, "", 1000)
	c := node(t, "")
	other := node(t, "")
	if _, err := Install(t.Context(), other, at(home), b, 0, nil); err != nil {
		t.Fatal(err)
	}
	c.tool(t, "mv", fmt.Sprintf("cp -R -P %s %s && echo theirs >%s\nexec /bin/mv \"$@\"\n", filepath.Join(other.home, home, "bundles", b.Folder()),
		filepath.Join(c.home, home, "bundles"), filepath.Join(c.home, home, "bundles", b.Folder(), "lib/theirs")))
	path, err := Install(t.Context(), c, at(home), b, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if files := left(t, c); len(files) != 6 || !strings.HasSuffix(files[5], "lib/theirs") {
		t.Errorf("%s: in the cache: %v", path, files)
	}
}

func TestABundleThatIsThereIsNotSentAgain(t *testing.T) {
	b := small(t, "", 1000)
	c := node(t, "")
	for visit := range 2 {
		calls := 0
		if _, err := Install(t.Context(), c, at(home), b, 0, func(int64, int64) { calls++ }); err != nil {
			t.Fatal(err)
		}
		if (calls > 0) != (visit == 0) {
			t.Errorf("visit %d sent something %d times", visit, calls)
		}
	}
}

func TestABundleThatLostFilesIsCompletedUnderARunningHive(t *testing.T) {
	b := small(t, "", 1000)
	for _, lost := range []string{"lib/rbee/ballast", "lib/rbee/libllama.so", "bin/rbee-hive", "bin/llm-worker-rbee", "lib", "bin"} {
		c := node(t, "")
		if _, err := Install(t.Context(), c, at(home), b, 0, nil); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(c.home, home, "bundles", b.Folder())
		if err := os.RemoveAll(filepath.Join(dir, lost)); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Install(t.Context(), c, at(home), b, 0, nil); err != nil {
			t.Errorf("without %s: %v", lost, err)
		}
		after, err := os.Stat(dir)
		if err != nil || !os.SameFile(before, after) {
			t.Errorf("without %s: the folder was replaced, %v", lost, err)
		}
		if files := left(t, c); len(files) != b.Files {
			t.Errorf("without %s: %v", lost, files)
		}
		if s := stages(t, filepath.Join(c.home, home)); s != nil {
			t.Errorf("left: %v", s)
		}
	}
}

// The sizes and the number of files are right, the contents are not; or somebody doubts it.
func TestADamagedBundleIsSentAgainAndASoundOneIsNot(t *testing.T) {
	b := small(t, "", 1000)
	for _, c := range []struct{ damaged, doubted string }{
		{"bin/rbee-hive", ""}, {"lib/rbee/ballast", ""}, {"bin/llm-worker-rbee", "doubt"}, {"sums", ""}, {"", "doubt"},
	} {
		n := node(t, "")
		hive, err := Install(t.Context(), n, at(home), b, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		exe := filepath.Join(n.home, hive)
		dir := filepath.Dir(filepath.Dir(exe))
		var whole []byte
		if c.damaged != "" {
			file := filepath.Join(dir, c.damaged)
			if whole, err = os.ReadFile(file); err == nil {
				err = os.WriteFile(file, make([]byte, len(whole)), 0o700)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if c.doubted != "" {
			bundle.Doubt(exe)
		}
		if bundle.Doubted(exe) != (c.doubted != "") {
			t.Errorf("%+v: doubted: %v", c, bundle.Doubted(exe))
		}
		sent := false
		if _, err := Install(t.Context(), n, at(home), b, 0, func(int64, int64) { sent = true }); err != nil {
			t.Fatal(err)
		}
		if sent != (c.damaged != "") || bundle.Doubted(exe) {
			t.Errorf("%+v: sent %v, doubted %v", c, sent, bundle.Doubted(exe))
		}
		if c.damaged != "" {
			if now, err := os.ReadFile(filepath.Join(dir, c.damaged)); err != nil || !bytes.Equal(now, whole) {
				t.Errorf("%+v: it is not what it was: %v", c, err)
			}
		}
	}
}

// tool puts a script into the node's PATH, before the real programs.
func (c *local) tool(t testing.TB, name, script string) {
	t.Helper()
	dir := filepath.Join(c.home, "tools")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	c.set("PATH", dir+":"+os.Getenv("PATH"))
}

func (c *local) set(name, value string) {
	for i, kv := range c.env {
		if strings.HasPrefix(kv, name+"=") {
			c.env[i] = name + "=" + value
			return
		}
	}
	c.env = append(c.env, name+"="+value)
}

func TestWhatArrivedWrongIsNotInstalled(t *testing.T) {
	b := small(t, "", 1000)
	c := node(t, "")
	c.tool(t, "sha256sum", "/usr/bin/sha256sum | tr 0-9 a\n") // the disk, the memory, the wire: something changed a bit
	_, err := Install(t.Context(), c, at(home), b, 0, nil)
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "not what was sent") {
		t.Errorf("another hash: %v", err)
	}
	nothing(t, c)
}

func TestABundleDamagedHereIsNotBlamedOnTheNode(t *testing.T) {
	b := small(t, "", 1000)
	b.ID = strings.Repeat("0", 64)
	c := node(t, "")
	if _, err := Install(t.Context(), c, at(home), b, 0, nil); err == nil || !strings.Contains(err.Error(), b.Path) {
		t.Errorf("a damaged file: %v", err)
	}
	nothing(t, c)
}

func TestWhatIsNoArchiveIsNotInstalled(t *testing.T) {
	b := small(t, "", 1000)
	f, err := os.OpenFile(b.Path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "<html>"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	c := node(t, "")
	_, err = Install(t.Context(), c, at(home), b, 0, nil)
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "cannot be unpacked") {
		t.Errorf("no gzip: %v", err)
	}
	nothing(t, c)
}
