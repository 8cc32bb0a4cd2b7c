package fetch

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"rbee/internal/fault"
	"rbee/internal/models"
	"rbee/internal/models/fetch/fetchtest"
)

// childHub in the environment makes the test binary another process of the node, which fetches from that hub.
const (
	childHub = "RBEE_FETCH_TEST_HUB"
	childDir = "RBEE_FETCH_TEST_DIR"
)

func child(hub string) int {
	f := New(Options{Getenv: func(name string) string { return map[string]string{"HF_ENDPOINT": hub}[name] }, Segment: segment, SaveEvery: time.Millisecond})
	r, err := models.ParseRef(ref)
	if err == nil {
		err = f.Fetch(context.Background(), models.Want{Ref: r, Dir: os.Getenv(childDir), Folder: models.FolderName(r), Org: r.Org, Repo: r.Repo})
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return 0
}

// other starts another process that fetches into the same model directory.
func (p *place) other() *exec.Cmd {
	p.t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childHub+"="+p.hub.URL, childDir+"="+p.dir)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	})
	return c
}

// gate lets n bytes of every body pass; reached tells of each body, open lets all go on.
func (p *place) gate(n int64) (reached <-chan struct{}, open func()) {
	r, o := make(chan struct{}, 1000), make(chan struct{})
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Gate(n, func() { r <- struct{}{} }, o)})
	return r, sync.OnceFunc(func() { close(o) })
}

func TestEightWhoAskShareOneDownload(t *testing.T) {
	p, content := withModel(t)
	reached, open := p.gate(1000)
	var all sync.WaitGroup
	last := make([]models.Progress, 8)
	begun := make(chan struct{}, 8)
	for i := range 8 {
		all.Go(func() {
			w := p.want([]string{ref, ref + ":q4_k_m", ref + "/m-Q4_K_M.gguf"}[i%3]) // the same file in other words
			once := sync.OnceFunc(func() { begun <- struct{}{} })
			w.Progress = func(p models.Progress) { last[i] = p; once() }
			if err := p.f.Fetch(t.Context(), w); err != nil {
				t.Error(err)
			}
		})
	}
	<-reached
	for range 8 { // all hear of the one download before it may go on
		<-begun
	}
	open()
	all.Wait()
	p.has("org--repo/m-Q4_K_M.gguf", content)
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 5 {
		t.Errorf("%d requests for five segments", n)
	}
	if n := len(p.hub.Requests(fetchtest.Info)); n != 3 {
		t.Errorf("%d plans for three references", n)
	}
	for i, l := range last {
		if l.Bytes != int64(len(content)) || l.Total != int64(len(content)) {
			t.Errorf("watcher %d saw %+v last", i, l)
		}
	}
}

func TestOneWhoLeavesDoesNotEndTheDownload(t *testing.T) {
	p, content := withModel(t)
	reached, open := p.gate(1000)
	ctx, leave := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	joined := make(chan struct{})
	go func() { first <- p.f.Fetch(ctx, p.want(ref)) }()
	<-reached
	go func() {
		w := p.want(ref)
		w.Progress = func(models.Progress) {
			select {
			case <-joined:
			default:
				close(joined)
			}
		}
		second <- p.f.Fetch(t.Context(), w)
	}()
	<-joined
	leave()
	if err := <-first; err != context.Canceled {
		t.Error(err)
	}
	open()
	if err := <-second; err != nil {
		t.Error(err)
	}
	p.has("org--repo/m-Q4_K_M.gguf", content)
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 5 {
		t.Errorf("%d requests for five segments", n)
	}
}

func TestADownloadThatNobodyWaitsForStopsAndIsGoneOnWith(t *testing.T) {
	p, content := withModel(t)
	reached, open := p.gate(1000)
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { first <- p.f.Fetch(ctx, p.want(ref)) }()
	for range 4 {
		<-reached
	}
	leave()
	if err := <-first; err != context.Canceled {
		t.Error(err)
	}
	if names := p.names("org--repo"); !slices.Equal(names, []string{"m-Q4_K_M.gguf.partial", "m-Q4_K_M.gguf.partial.json"}) {
		t.Errorf("kept %q", names)
	}
	open()
	p.hub.Forget()
	p.gets(ref)
	p.has("org--repo/m-Q4_K_M.gguf", content)
	if r := p.hub.Requests(fetchtest.Bytes); len(r) != 5 || r[0].Range != "bytes=1000-65535" {
		t.Errorf("gone on with %v", r)
	}
}

func TestAnotherProcessWaitsAndFindsItThere(t *testing.T) {
	p, content := withModel(t)
	reached, open := p.gate(1000)
	c := p.other()
	<-reached
	done := make(chan error, 1)
	w, saw := p.want(ref), make(chan struct{})
	seen := sync.OnceFunc(func() { close(saw) })
	w.Progress = func(p models.Progress) {
		if p.Bytes == 4000 && p.Total == int64(len(content)) { // what the gate let pass of four segments
			seen()
		}
	}
	go func() { done <- p.f.Fetch(t.Context(), w) }()
	<-saw // it waits, and sees how far the other one is
	open()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	p.has("org--repo/m-Q4_K_M.gguf", content)
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 5 {
		t.Errorf("%d requests for five segments", n)
	}
}

func TestAKilledProcessLeavesNoLockAndIsGoneOnWith(t *testing.T) {
	p, content := withModel(t)
	reached, open := p.gate(1000)
	c := p.other()
	for range 4 {
		<-reached
	}
	f := file{path: "m-Q4_K_M.gguf", size: int64(len(content)), sha256: p.hub.File("Org/Repo", "m-Q4_K_M.gguf").SHA256}
	root, err := os.OpenRoot(p.dir + "/org--repo")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for { // until its state says that it has the 4,000 bytes which the gate let pass
		s, _ := readState(root, f)
		if s.bytes() == 4000 {
			break
		}
		if err := sleep(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	c.Process.Kill()
	c.Wait()
	open()
	p.hub.Forget()
	p.gets(ref)
	p.has("org--repo/m-Q4_K_M.gguf", content)
	var ranges []string
	for _, r := range p.hub.Requests(fetchtest.Bytes) {
		ranges = append(ranges, r.Range)
	}
	slices.Sort(ranges)
	if want := []string{"bytes=1000-65535", "bytes=132072-196607", "bytes=197608-262143", "bytes=262144-263143", "bytes=66536-131071"}; !slices.Equal(ranges, want) {
		t.Errorf("asked for %q, want %q", ranges, want)
	}
}

// Nobody waits for the next report to see where a download is.
func TestOneWhoJoinsSeesTheLastReport(t *testing.T) {
	var f flights
	open := make(chan struct{})
	begun, seen := make(chan struct{}), make(chan models.Progress, 1)
	var all sync.WaitGroup
	defer all.Wait()
	defer close(open)
	all.Go(func() {
		f.do(t.Context(), "x", nil, func(_ context.Context, report func(models.Progress)) error {
			report(models.Progress{Bytes: 1, Total: 2})
			close(begun)
			<-open
			return nil
		})
	})
	<-begun
	all.Go(func() {
		f.do(t.Context(), "x", func(p models.Progress) { seen <- p }, func(context.Context, func(models.Progress)) error {
			t.Error("a second run")
			return nil
		})
	})
	if p := <-seen; p.Bytes != 1 || p.Total != 2 {
		t.Errorf("%+v", p)
	}
}

func TestTwoDirectoriesAreTwoDownloads(t *testing.T) {
	p, _ := withModel(t)
	p.gets(ref)
	p.dir += "2"
	p.gets(ref)
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 10 {
		t.Errorf("%d requests", n)
	}
}

func TestAFailureReachesEverybody(t *testing.T) {
	p, _ := withModel(t)
	begun, open := make(chan struct{}, 1), make(chan struct{})
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Info, Do: fetchtest.Wait(func() { begun <- struct{}{} }, open, fetchtest.Status(403))})
	errs := make(chan error, 2)
	go func() { errs <- p.fetch(ref) }()
	<-begun
	go func() { errs <- p.fetch(ref) }()
	p.watchers(2)
	close(open)
	for range 2 {
		if err := <-errs; fault.CodeOf(err) != fault.ModelAccessDenied {
			t.Error(err)
		}
	}
	if n := len(p.hub.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// watchers waits until so many wait for one plan.
func (p *place) watchers(n int) {
	p.t.Helper()
	for {
		p.f.asked.mu.Lock()
		most := 0
		for _, fl := range p.f.asked.running {
			most = max(most, len(fl.watchers))
		}
		p.f.asked.mu.Unlock()
		if most == n {
			return
		}
		if err := sleep(p.t.Context(), time.Millisecond); err != nil {
			p.t.Fatal(err)
		}
	}
}
