package treetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/models/demo"
	"rbee/internal/models/fetch/fetchtest"
	"rbee/internal/testkit/treekit"
)

// What the short name tinyllama stands for.
const (
	tinyRepo = "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF"
	tinyFile = "tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf"
)

// hub is one of the tests' own that has tinyllama, with the demo model's bytes.
func hub(t *testing.T) *fetchtest.Hub {
	t.Helper()
	path := filepath.Join(t.TempDir(), "demo.gguf")
	if err := demo.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := fetchtest.New()
	t.Cleanup(h.Close)
	h.Add(tinyRepo, tinyFile, text)
	return h
}

// ask runs one `rbee infer` of tinyllama in a folder that may be used again.
func ask(t *testing.T, dir string, h *fetchtest.Hub, args ...string) *run {
	t.Helper()
	_ = os.Mkdir(dir+"/run", 0o700)
	return treekit.Start(t, dir, environment(dir, "RBEE_LEASE=", "HF_ENDPOINT="+h.URL, "HF_TOKEN=hf_secret", "HOME="+dir),
		append([]string{real + "/rbee", "infer", "--model", "tinyllama", "--prompt", "hello world", "--temperature", "0"}, args...)...)
}

// files lists what a model directory holds; one that is not there holds nothing.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTreeAModelThatIsNotThereIsDownloadedOnce(t *testing.T) {
	t.Parallel()
	h, dir := hub(t), t.TempDir()
	h.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Times: 2, Do: fetchtest.Reset(20000)})
	r := ask(t, dir, h)
	r.Want(0, "downloading tinyllama", "0 forced")
	if !strings.HasPrefix(r.Stdout.String(), greeting) {
		t.Errorf("%q", r.Stdout)
	}
	if got := strings.Join(files(t, dir+"/models"), " "); got != "tinyllama/"+tinyFile {
		t.Errorf("the model directory holds %s", got)
	}
	r.Clean(0)

	h.Forget()
	r = ask(t, dir, h)
	r.Want(0)
	if n := len(h.Requests()); n > 0 {
		t.Errorf("the second run asks the hub %d times", n)
	}
}

func TestTreeADownloadThatFailsSaysWhyAndLeavesNoModel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   fetchtest.Fault
		args []string
		says []string
	}{
		"forbidden":    {fetchtest.Fault{Kind: fetchtest.Info, Do: fetchtest.Status(401)}, nil, []string{"MODEL_ACCESS_DENIED", "HF_TOKEN"}},
		"not there":    {fetchtest.Fault{Kind: fetchtest.Info, Do: fetchtest.Status(404)}, nil, []string{"MODEL_NOT_FOUND"}},
		"broken":       {fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Status(503)}, nil, []string{"DOWNLOAD_FAILED", "6 attempts", "503"}},
		"wrong bytes":  {fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.WrongBytes(1000)}, nil, []string{"MODEL_CORRUPT"}},
		"not allowed":  {fetchtest.Fault{}, []string{"--no-pull"}, []string{"MODEL_NOT_FOUND", "--no-pull"}},
		"no time left": {fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Slow(1000)}, []string{"--deadline", "2s"}, []string{"DEADLINE_EXCEEDED"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, dir := hub(t), t.TempDir()
			if c.do.Do != nil {
				h.Break(c.do)
			}
			r := ask(t, dir, h, c.args...)
			r.Want(1, c.says...)
			for _, f := range files(t, dir+"/models") {
				if strings.HasSuffix(f, ".gguf") {
					t.Errorf("%s is there", f)
				}
			}
			if strings.Contains(r.Stderr.String(), "hf_secret") {
				t.Errorf("the token is printed:\n%s", r.Stderr)
			}
		})
	}
}

func TestTreeADownloadGoesOnWhereItWasCancelled(t *testing.T) {
	t.Parallel()
	h, dir := hub(t), t.TempDir()
	h.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Slow(400_000)})
	r := ask(t, dir, h)
	if !r.Stderr.Wait("downloading tinyllama") {
		t.Fatalf("it never began:\n%s", r.Stderr)
	}
	_ = r.Cmd.Process.Signal(os.Interrupt)
	r.Want(130)
	h.Mend()
	r = ask(t, dir, h)
	r.Want(0)
	if !strings.HasPrefix(r.Stdout.String(), greeting) {
		t.Errorf("%q", r.Stdout)
	}
	r.Clean(0)
}
