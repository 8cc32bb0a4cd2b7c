package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rbee/internal/fault"
)

// in lists a folder.
func in(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func add(name string) func(*Document) error {
	return func(d *Document) error { return d.AddNode(name, Node{}) }
}

func TestTheFirstEditCreatesAFileOfTheUsersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config", "rbee")
	path := filepath.Join(dir, "config.toml")
	if err := (Source{Path: path, Named: true}).Edit(add("mac")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "[nodes.mac]\n" {
		t.Errorf("%q", got)
	}
	for p, want := range map[string]os.FileMode{path: 0o600, dir: 0o700, filepath.Dir(dir): 0o700} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %o", p, info.Mode(), err, want)
		}
	}
	if got := in(t, dir); !slices.Equal(got, []string{"config.toml"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestAnEditKeepsTheModeAndGoesThroughLinks(t *testing.T) {
	dotfiles := config(t, "# mine\n", 0o640)
	home := t.TempDir()
	link, second := filepath.Join(home, "config.toml"), filepath.Join(home, "second")
	relative, err := filepath.Rel(home, dotfiles)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(relative, link), os.Symlink("config.toml", second)); err != nil {
		t.Fatal(err)
	}
	if err := (Source{Path: second}).Edit(add("mac")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dotfiles)
	if err != nil || info.Mode().Perm() != 0o640 || read(t, dotfiles) != "# mine\n\n[nodes.mac]\n" {
		t.Errorf("%v, %v, %q", info.Mode(), err, read(t, dotfiles))
	}
	if to, err := os.Readlink(link); err != nil || to != relative {
		t.Errorf("the link is %q, %v", to, err)
	}
	if got := append(in(t, home), in(t, filepath.Dir(dotfiles))...); !slices.Equal(got, []string{"config.toml", "second", "config.toml"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestALinkToAFileThatIsNotThereGetsOne(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "config.toml")
	if err := os.Symlink("dotfiles/rbee.toml", link); err != nil {
		t.Fatal(err)
	}
	if err := (Source{Path: link}).Edit(add("mac")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "dotfiles", "rbee.toml")); got != "[nodes.mac]\n" {
		t.Errorf("%q", got)
	}
	if err := errors.Join(os.Remove(link), os.Symlink("config.toml", link)); err != nil {
		t.Fatal(err)
	}
	if err := (Source{Path: link}).Edit(add("mac")); err == nil || !strings.Contains(err.Error(), "too many symbolic links") {
		t.Errorf("a circle: %v", err)
	}
}

func TestAnEditThatFailsLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rbee")
	s := Source{Path: filepath.Join(dir, "config.toml")}
	if err := s.Edit(func(d *Document) error { return d.RemoveNode("mac") }); fault.CodeOf(err) != fault.NodeUnknown {
		t.Errorf("got %v", err)
	}
	if err := s.Edit(func(*Document) error { return nil }); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was created: %v", err)
	}
	bad := config(t, "[nodes.a]\nport = 0\n", 0o600)
	if err := (Source{Path: bad}).Edit(add("mac")); err == nil || !strings.Contains(err.Error(), ":2:8: nodes.a.port is 0") || read(t, bad) != "[nodes.a]\nport = 0\n" {
		t.Errorf("a bad file: %v, %q", err, read(t, bad))
	}
	open := config(t, "", 0o666)
	if err := (Source{Path: open}).Edit(add("mac")); err == nil || read(t, open) != "" {
		t.Errorf("a file that others write to: %v", err)
	}
	if err := (Source{Path: os.DevNull}).Edit(add("mac")); err == nil {
		t.Error("the null device was edited")
	}
}

func TestEditsAtOnceAllCount(t *testing.T) {
	path := config(t, "# mine\n", 0o600)
	var all sync.WaitGroup
	errs := make([]error, 24)
	for i := range errs {
		all.Go(func() { errs[i] = (Source{Path: path}).Edit(add(fmt.Sprint("n", i))) })
	}
	all.Wait()
	f, err := (Source{Path: path}).Load()
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	if len(f.Nodes) != len(errs) {
		t.Errorf("%d of %d are there: %v", len(f.Nodes), len(errs), f.NodeNames())
	}
	if got := in(t, filepath.Dir(path)); !slices.Equal(got, []string{"config.toml"}) {
		t.Errorf("left behind: %v", got)
	}
}

// Somebody saves the file with an editor while a change is being made.
func TestWhatWasWrittenMeanwhileIsKept(t *testing.T) {
	path := config(t, "# old\n", 0o600)
	times := 0
	err := (Source{Path: path}).Edit(func(d *Document) error {
		if times++; times == 1 {
			if err := os.WriteFile(path, []byte("# new\n"), 0o600); err != nil {
				return err
			}
		}
		return d.AddNode("mac", Node{})
	})
	if err != nil || times != 2 || read(t, path) != "# new\n\n[nodes.mac]\n" {
		t.Errorf("%v after %d: %q", err, times, read(t, path))
	}
}

func TestTheNextEditTakesAwayWhatAKilledOneLeft(t *testing.T) {
	path := config(t, "", 0o600)
	left := filepath.Join(filepath.Dir(path), ".config.toml.new")
	if err := os.WriteFile(left, []byte("half"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := (Source{Path: path}).Edit(add("mac")); err != nil {
		t.Fatal(err)
	}
	if got := in(t, filepath.Dir(path)); !slices.Equal(got, []string{"config.toml"}) || read(t, path) != "[nodes.mac]\n" {
		t.Errorf("left behind: %v, %q", got, read(t, path))
	}
}

func TestALockThatIsNotGivenBackIsAnError(t *testing.T) {
	path := config(t, "", 0o600)
	held, err := os.Open(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := lockFolder(filepath.Dir(path), 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "has kept its folder locked for 20ms") {
		t.Errorf("got %v", err)
	}
	held.Close()
	unlock, err := lockFolder(filepath.Dir(path), 0)
	if err != nil {
		t.Fatalf("given back: %v", err)
	}
	unlock()
}
