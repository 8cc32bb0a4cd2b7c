// Package bench measures the whole tree on real processes. `make bench` runs it and keeps the results, with the
// facts of the machine, in bench/results/. Figures that are compared are taken alternately in one run; what is
// reported is the median. At its end comes a table of the figures that have a goal, the missed ones marked.
package bench

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/engine/llamacpp"
	"rbee/internal/models/demo"
)

// bin is where the four programs of this tree were built; fake has the same, but for a worker that needs no model and
// does what RBEE_FAKE_ENGINE says.
var bin, fake string

// runs is how many runs each median is of, where one run takes seconds.
var runs = flag.Int("runs", 20, "how many runs to take the median of")

// The test binary is also the other side of the comparisons: the engine alone, in one process.
const engineAlone = "RBEE_BENCH_ENGINE"

// role in the environment makes the test binary one of roles.
const role = "RBEE_BENCH_ROLE"

// roles are the other processes that the test binary can be.
var roles = map[string]func() int{}

func TestMain(m *testing.M) {
	if spec := os.Getenv(engineAlone); spec != "" {
		if err := alone(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if file := os.Getenv(hubAlone); file != "" {
		fmt.Fprintln(os.Stderr, serveHub(file))
		os.Exit(1)
	}
	if r := roles[os.Getenv(role)]; r != nil {
		os.Exit(r())
	}
	code := withPrograms(m)
	writeFigures(os.Stdout, figures)
	os.Exit(code)
}

func withPrograms(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rbee-bench")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bin, fake = filepath.Join(dir, "bin"), filepath.Join(dir, "fake")
	if slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.bench=") }) {
		if err := buildPrograms(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	for k, v := range map[string]string{"XDG_RUNTIME_DIR": dir + "/run", "XDG_STATE_HOME": dir + "/state", "XDG_CACHE_HOME": dir + "/cache", "RBEE_MODELS_DIR": dir + "/models"} {
		os.Setenv(k, v)
		os.MkdirAll(v, 0o700)
	}
	os.Setenv("RBEE_BENCH_MODEL", dir+"/models/demo/demo.gguf")
	if err := demo.Write(dir + "/models/demo/demo.gguf"); err != nil {
		panic(err)
	}
	return m.Run()
}

// buildPrograms builds the four programs, and the fake worker beside the other three.
func buildPrograms() error {
	const four = "../cmd/rbee ../cmd/queen-rbee ../cmd/rbee-hive ../cmd/llm-worker-rbee"
	for _, args := range [][]string{append([]string{bin + "/"}, strings.Fields(four)...), {fake + "/llm-worker-rbee", "../internal/testkit/cmd/fakeworker"}} {
		c := exec.Command("go", append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o"}, args...)...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
	}
	for _, p := range []string{"rbee", "queen-rbee", "rbee-hive"} {
		if err := os.Link(filepath.Join(bin, p), filepath.Join(fake, p)); err != nil {
			return err
		}
	}
	return nil
}

// alone is what a program that only knows the engine does: load, answer, exit. spec is the number of tokens.
func alone(spec string) error {
	n, _ := strconv.Atoi(spec)
	exe, _ := os.Executable()
	dir, err := enginelib.Find(os.Getenv, exe)
	if err != nil {
		return err
	}
	e, err := llamacpp.Open(llamacpp.Options{Dir: dir})
	if err != nil {
		return err
	}
	m, err := e.Load(context.Background(), engine.LoadOptions{Path: os.Getenv("RBEE_BENCH_MODEL"), Slots: 1, Context: 4096})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	request := engine.Request{Prompt: "hello world", MaxTokens: n, IgnoreEOS: n > 100}
	emit := func(ev engine.Event) error {
		_, err := out.WriteString(ev.Text)
		if n <= 100 {
			out.Flush()
		}
		return err
	}
	if n > 100 { // compared with a daemon that has answered before: as warm as that
		if _, err := m.Generate(context.Background(), request, emit); err != nil {
			return err
		}
	}
	began, cpu := time.Now(), ownCPU()
	res, err := m.Generate(context.Background(), request, emit)
	fmt.Fprintf(os.Stderr, aloneSays, time.Since(began), res.Prefill, res.Decode, ownCPU()-cpu)
	return err
}

const aloneSays = "generate %d ns, of it prefill %d and decode %d; processor time %d ns\n"

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// generation is what the engine alone took.
type generation struct{ whole, generate, prefill, decode, cpu time.Duration }

func runAlone(b *testing.B, tokens int) (g generation) {
	exe, _ := os.Executable()
	c := exec.Command(exe)
	c.Env = append(os.Environ(), engineAlone+"="+strconv.Itoa(tokens))
	var stderr strings.Builder
	c.Stderr = &stderr
	began := time.Now()
	if err := c.Run(); err != nil {
		b.Fatalf("engine alone: %v\n%s", err, stderr.String())
	}
	g.whole = time.Since(began)
	if _, err := fmt.Sscanf(stderr.String(), aloneSays, &g.generate, &g.prefill, &g.decode, &g.cpu); err != nil {
		b.Fatalf("engine alone said %q: %v", stderr.String(), err)
	}
	return g
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
