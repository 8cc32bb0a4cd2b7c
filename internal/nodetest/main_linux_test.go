package nodetest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"rbee/deploy/bundle"
	"rbee/internal/testkit/treekit"
	"rbee/internal/version"
)

// programs are the four, and bundles the folders of what is sent to nodes, by the folder of programs they come from.
var (
	programs treekit.Programs
	bundles  = map[string]string{}
	packed   = map[string]bundle.Bundle{}
	hostile  string // the program that attacks its queen
)

func TestMain(m *testing.M) { os.Exit(prepare(m)) }

func prepare(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nodetest")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	hostile = filepath.Join(dir, "hostilehive")
	if programs, err = treekit.Build(dir); err == nil {
		err = errors.Join(pack(dir), treekit.Go("build", "-ldflags", "-s -w", "-o", hostile, "rbee/internal/testkit/cmd/hostilehive"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = flag.Set("test.parallel", "4") // these tests wait more than they compute
	return m.Run()
}

// pack makes the bundles: of the programs as they ship with the real engine, and of the fakes with as little of it as
// a hive insists on.
func pack(dir string) error {
	engine := os.Getenv("RBEE_ENGINE_DIR")
	if engine == "" {
		return fmt.Errorf("RBEE_ENGINE_DIR is not set; make test does it")
	}
	stub := filepath.Join(dir, "stub")
	if err := stubOf(engine, stub); err != nil {
		return err
	}
	var err error
	for bin, engine := range map[string]string{programs.Real: engine, programs.Fake: stub} {
		bundles[bin] = filepath.Join(dir, "bundles-"+filepath.Base(bin))
		packed[bin], err = bundle.Make(bundles[bin], bundle.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}, version.Build(), bundle.Parts{
			Hive: filepath.Join(bin, "rbee-hive"), Worker: filepath.Join(bin, "llm-worker-rbee"), Engine: engine})
		if err != nil {
			return err
		}
	}
	return nil
}

// stubOf makes a folder that looks like the engine's, with empty libraries.
func stubOf(engine, stub string) error {
	entries, err := os.ReadDir(engine)
	if err != nil {
		return err
	}
	if err := os.Mkdir(stub, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		var b []byte
		if strings.HasSuffix(e.Name(), ".json") {
			if b, err = os.ReadFile(filepath.Join(engine, e.Name())); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(stub, e.Name()), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
