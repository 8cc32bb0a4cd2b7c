package sshconfig

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestHostsAreThoseSpelledOutIncludesToo(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	more := write("more", "Host gpu mac\n  Port 7\n")
	main := write("config", "Host mac *.local !x\nInclude "+more+"\nMatch exec \"touch "+dir+"/ran\"\n  User u\nHost *\n  User v\nHost=box\n")
	got, err := Hosts(dir, []File{{Path: main, User: true}, {Path: dir + "/none"}})
	if want := []string{"mac", "gpu", "box"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if _, err := os.Stat(dir + "/ran"); err == nil {
		t.Error("listing names ran a command")
	}
}
