package llamacpp_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/engine/enginetest"
	"rbee/internal/engine/llamacpp"
	"rbee/internal/models/demo"
	"rbee/internal/testkit"
)

// libraries is the engine folder, demoModel the built-in model's file; TestMain sets both.
var libraries, demoModel string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == referenceCommand {
		os.Exit(referenceMain(os.Args[2:]))
	}
	testkit.VerifyNoLeaks(runTests(m), 10*time.Second)
}

func runTests(m *testing.M) int {
	var err error
	if libraries, err = findLibraries(); err != nil {
		fmt.Fprintf(os.Stderr, "these tests run the real engine: %v\n", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "llamacpp-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	demoModel = filepath.Join(dir, "demo.gguf")
	if err := demo.Write(demoModel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// findLibraries looks where the built programs look: the test binary itself is in a temporary folder.
func findLibraries() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return enginelib.Find(os.Getenv, filepath.Join(dir, "bin", "llm-worker-rbee"))
}

func open(t testing.TB) engine.Engine {
	t.Helper()
	e, err := llamacpp.Open(llamacpp.Options{Dir: libraries})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func load(t testing.TB, o engine.LoadOptions) engine.Model {
	t.Helper()
	if o.Path == "" {
		o.Path = demoModel
	}
	m, err := open(t).Load(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestContract(t *testing.T) {
	enginetest.Contract(t, func(t *testing.T) engine.Engine { return open(t) }, demoModel)
}
