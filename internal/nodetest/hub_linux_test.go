package nodetest

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rbee/internal/models/fetch/fetchtest"
	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// hubFor is a hub that hosts of the bed can reach: at this machine's address on their wire.
func hubFor(t *testing.T, h *testbed.Host) *fetchtest.Hub {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.Contains(net.ParseIP(h.Addr)) {
			hub := fetchtest.NewAt(n.IP.String())
			t.Cleanup(hub.Close)
			return hub
		}
	}
	t.Fatalf("no address of this machine is on the wire of %s", h.Addr)
	return nil
}

// The user's token and hub are this machine's. A node that has none of its own uses them for a download, and nothing of
// them is anywhere on the node where somebody could read it, nor in what is kept here.
func TestTreeANodeBorrowsTheTokenAndNobodySeesIt(t *testing.T) {
	t.Parallel()
	const token = "hf_TopSecretTokenOfTheUser"
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	text := model(t, w)
	hub := hubFor(t, h)
	hub.Token = token
	hub.Add("Org/Gated-GGUF", "gated.Q4_K_M.gguf", text)
	access := []string{"HF_ENDPOINT=" + hub.URL, "HF_TOKEN=" + token}
	start := func(args ...string) *treekit.Run {
		return treekit.Start(t, w.dir, w.environment(access...), append([]string{filepath.Join(w.bin, "rbee")}, args...)...)
	}

	// In the middle of the download everything that runs on the node is looked at.
	reached, open := make(chan struct{}), make(chan struct{})
	hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Times: 1, Do: fetchtest.Gate(1000, func() { close(reached) }, open)})
	trace := filepath.Join(w.dir, "trace.jsonl")
	r := start("infer", "--node", "h1", "--model", "hf:Org/Gated-GGUF", "--prompt", "hello", "--trace", trace)
	<-reached
	processes, err := h.Processes()
	if err != nil {
		t.Fatal(err)
	}
	hives, read := 0, 0
	for _, p := range processes {
		if p.Run != "" {
			hives++
		}
		for _, file := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), file))
			if err == nil && p.Run != "" {
				read++
			}
			if bytes.Contains(text, []byte(token)) {
				t.Errorf("the token is in %s of %v", file, p)
			}
		}
	}
	if hives == 0 || read < 2*hives {
		t.Errorf("%d processes of the run were seen on the node, and %d files of theirs", hives, read)
	}
	close(open)
	r.Want(0, "downloading hf:Org/Gated-GGUF")
	for name, text := range map[string]string{"stdout": r.Stdout.String(), "stderr": r.Stderr.String()} {
		if strings.Contains(text, token) {
			t.Errorf("the token is in %s", name)
		}
	}
	looked := 0
	for _, root := range []string{w.dir, h.Path(h.Home(""))} { // trace, logs; what the node keeps
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			looked++
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte(token)) {
				t.Errorf("the token is in %s", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(trace); err != nil || looked < 3 {
		t.Errorf("there was nothing to look at: %d files, %v", looked, err)
	}
	for _, q := range hub.Requests(fetchtest.Bytes) {
		if q.Auth != "" {
			t.Errorf("the token went along the redirect: %+v", q)
		}
	}
	r.Clean(0)

	// A public model takes no token.
	public := hubFor(t, h)
	public.Add("Org/Public-GGUF", "public.Q4_K_M.gguf", text)
	access[0] = "HF_ENDPOINT=" + public.URL
	start("model", "pull", "hf:Org/Public-GGUF", "--node", "h1").Want(0)
	requests := public.Requests()
	for _, q := range requests {
		if q.Auth != "" {
			t.Errorf("a public model took the token: %+v", q)
		}
	}
	if len(requests) == 0 {
		t.Error("the node did not ask the hub of the control node")
	}
	nothingRuns(t, h, 0)
}

// A node's own hub goes first, and the token is for the other one.
func TestTreeATokenGoesToItsOwnHubOnly(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	h := b.Host("h1")
	mirror := hubFor(t, h)
	mirror.Token = "hf_WhoeverHasIt"
	mirror.Add("Org/M-GGUF", "m.Q4_K_M.gguf", []byte("weights"))
	w := newWorld(t, b, programs.Fake)
	visited(t, h, programs.Fake)
	put(t, h, ".bashrc", []byte("export HF_ENDPOINT="+mirror.URL+"\n"))
	r := treekit.Start(t, w.dir, w.environment("HF_TOKEN=hf_WhoeverHasIt"), filepath.Join(w.bin, "rbee"), "model", "pull", "hf:Org/M-GGUF", "--node", "h1")
	r.Want(1, "MODEL_", "node: h1")
	requests := mirror.Requests()
	for _, q := range requests {
		if q.Auth != "" {
			t.Errorf("the token of one hub went to another: %+v", q)
		}
	}
	if len(requests) == 0 {
		t.Error("the node did not ask its own hub")
	}
	nothingRuns(t, h, 0)
}
