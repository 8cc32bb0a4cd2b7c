package treekit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Names are rbee's programs.
var Names = []string{"rbee", "queen-rbee", "rbee-hive", "llm-worker-rbee"}

// Programs are folders that hold all four.
type Programs struct {
	Real string // as they ship
	Fake string // with a worker whose engine misbehaves (package testkit/cmd/fakeworker)
}

// Build builds them below dir.
func Build(dir string) (Programs, error) {
	p := Programs{Real: filepath.Join(dir, "real"), Fake: filepath.Join(dir, "fake")}
	var all []string
	for _, n := range Names {
		all = append(all, "rbee/cmd/"+n)
	}
	if err := Go(append([]string{"build", "-ldflags", "-s -w", "-o", p.Real + "/"}, all...)...); err != nil {
		return p, err
	}
	if err := Go("build", "-ldflags", "-s -w", "-o", filepath.Join(p.Fake, "llm-worker-rbee"), "rbee/internal/testkit/cmd/fakeworker"); err != nil {
		return p, err
	}
	for _, n := range Names[:3] {
		if err := os.Link(filepath.Join(p.Real, n), filepath.Join(p.Fake, n)); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Go runs the go command, without a C compiler.
func Go(args ...string) error {
	c := exec.Command("go", args...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go %v: %w\n%s", args, err, out)
	}
	return nil
}
