package treetest

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"rbee/internal/testkit/treekit"
)

// Every example of the README is run. A block that cannot run here has the line <!-- not run: WHY --> above it, and is
// run elsewhere (package nodetest).
func TestTreeTheExamplesOfTheREADMEWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, e := range treekit.Examples(t, string(text)) {
		if e.Where != "" {
			continue
		}
		home, err := os.MkdirTemp("", "r") // short: a socket's path must fit
		if err != nil {
			t.Fatal(err)
		}
		e.Run(t, home, real)
		os.RemoveAll(home)
		ran++
	}
	if ran < 5 {
		t.Fatalf("%d examples found: the README has more", ran)
	}
}

// The first block a newcomer sees is for make, which a test cannot run within itself.
func TestTreeTheREADMEsMakeTargetsExist(t *testing.T) {
	t.Parallel()
	readme, err1 := os.ReadFile("../../README.md")
	makefile, err2 := os.ReadFile("../../Makefile")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	targets := regexp.MustCompile(`(?m)^    make ([a-z-]+)`).FindAllSubmatch(readme, -1)
	if len(targets) == 0 {
		t.Fatal("none found")
	}
	for _, m := range targets {
		if !bytes.Contains(makefile, []byte("\n"+string(m[1])+":")) {
			t.Errorf("make %s is no target", m[1])
		}
	}
}
