package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rbee/internal/telemetry"
	"rbee/internal/telemetry/export"
	"rbee/internal/testbed"
)

// hosts makes n machines with an ssh server (package testbed) that rbee knows by the user's own ~/.ssh/config, as it
// knows any other: h1, h2, ... They are namespaces of this machine and share its clock, so moments seen on both sides
// of a link can be compared.
func hosts(b *testing.B, n int, change ...func(*testbed.Spec)) *testbed.Bed {
	b.Helper()
	specs := make([]testbed.Spec, n)
	for i := range specs {
		for _, f := range change {
			f(&specs[i])
		}
	}
	bed := testbed.New(b, specs...)
	if !bed.Caps.Hosts {
		b.Fatal("machines of their own need root")
	}
	home := b.TempDir()
	config, err := os.ReadFile(bed.SSHConfig)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.Mkdir(home+"/.ssh", 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(home+"/.ssh/config", config, 0o600); err != nil {
		b.Fatal(err)
	}
	b.Setenv("HOME", home)
	return bed
}

// ssh is OpenSSH's own client running a command on a host of the bed.
func ssh(bed *testbed.Bed, host string, command ...string) *exec.Cmd {
	return exec.Command("ssh", append([]string{"-F", bed.SSHConfig, host}, command...)...)
}

// sshTrue is the time that ssh takes to run `true` there: connect, exec, and back.
func sshTrue(b *testing.B, bed *testbed.Bed, host string) time.Duration {
	b.Helper()
	began := time.Now()
	if out, err := ssh(bed, host, "true").CombinedOutput(); err != nil {
		b.Fatalf("ssh: %v: %s", err, out)
	}
	return time.Since(began)
}

// visit is what one `rbee infer` on a node took.
type visit struct {
	ready time.Duration // from the start of the command until the worker is up and its model in memory
	load  time.Duration // of that, the engine's load
	said  string
	spans []telemetry.Span
}

// infer runs `rbee infer` on a node and takes its times from its trace.
func infer(b *testing.B, node string) visit {
	b.Helper()
	trace := filepath.Join(b.TempDir(), "trace")
	began := time.Now()
	out, err := exec.Command(bin+"/rbee", "infer", "--node", node, "--model", "demo", "--prompt", "hello world", "--temperature", "0",
		"--max-tokens", "1", "--trace", trace).CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(trace)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	spans, err := export.Read(f)
	if err != nil {
		b.Fatal(err)
	}
	v := visit{said: string(out), spans: spans}
	load, start := v.span(b, telemetry.SpanLoadModel), v.span(b, telemetry.SpanStartWorker)
	v.load = load.Took()
	v.ready = max(load.End.Sub(began), start.End.Sub(began))
	return v
}

// span is the only span of that name.
func (v visit) span(b *testing.B, name string) telemetry.Span {
	b.Helper()
	var found []telemetry.Span
	for _, s := range v.spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		var all strings.Builder
		for _, s := range v.spans {
			fmt.Fprintf(&all, "%s +%v %s failed %v %v\n", s.Start.Format("05.000"), s.Took(), s.Name, s.Failed, s.Attributes)
		}
		b.Fatalf("%d spans are called %q:\n%s%s", len(found), name, &all, v.said)
	}
	return found[0]
}

// forget makes the next visit of a host the first one.
func forget(b *testing.B, h *testbed.Host) {
	b.Helper()
	if out, err := h.Exec("rm", "-rf", h.Home("")+"/.cache"); err != nil {
		b.Fatal(err, out)
	}
}

// bundle is the packed bundle that a node like this machine is sent.
func bundle(b *testing.B) (path string, size int64) {
	b.Helper()
	all, err := filepath.Glob(os.Getenv("XDG_CACHE_HOME") + "/rbee/bundles/*.tar.gz")
	if err != nil || len(all) == 0 {
		b.Fatal(fmt.Errorf("bundles packed here: %v, %w", all, err))
	}
	var newest os.FileInfo // the others are of programs that other benchmarks put in the place of these
	for _, p := range all {
		info, err := os.Stat(p)
		if err != nil {
			b.Fatal(err)
		}
		if newest == nil || info.ModTime().After(newest.ModTime()) {
			path, newest = p, info
		}
	}
	return path, newest.Size()
}
