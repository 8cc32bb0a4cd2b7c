package fetch

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/models/fetch/fetchtest"
)

const base = "org--repo/m-Q4_K_M.gguf"

// halfway is a place where a download broke off after the third segment of five.
func halfway(t *testing.T) (*place, []byte) {
	p, content := withModel(t)
	p.f.options.Parallel = 1
	n := 0
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: func(w *fetchtest.Answer, r *http.Request) bool {
		n++
		return n > 3 && fetchtest.Status(400)(w, r)
	}})
	if p.fetch(ref) == nil {
		t.Fatal("it was fetched")
	}
	p.hub.Mend()
	p.hub.Forget()
	return p, content
}

// asked returns the ranges that were asked for.
func (p *place) asked() (ranges []string) {
	for _, r := range p.hub.Requests(fetchtest.Bytes) {
		ranges = append(ranges, r.Range)
	}
	return ranges
}

func TestWhatIsThereIsNotDownloadedAgain(t *testing.T) {
	p, content := halfway(t)
	p.gets(ref)
	p.has(base, content)
	if got := p.asked(); !slices.Equal(got, []string{"bytes=196608-262143", "bytes=262144-263143"}) {
		t.Errorf("asked for %q", got)
	}
	for _, r := range p.hub.Requests(fetchtest.Bytes) {
		if etag := p.hub.File("Org/Repo", "m-Q4_K_M.gguf").ETag; r.If != etag {
			t.Errorf("asked on the condition %q, want %q", r.If, etag)
		}
	}
}

// Whoever finds damage in what was there before finds it by the digest; so does one who is lied to by the state.
func TestDamageInThePartialFileIsFound(t *testing.T) {
	p, content := halfway(t)
	f, err := os.OpenFile(filepath.Join(p.dir, base+partialEnd), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{content[70000] ^ 1}, 70000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	p.refuses(ref, fault.ModelCorrupt)
	p.gets(ref)
	p.has(base, content)
}

func TestAStateThatDoesNotFitStartsAnew(t *testing.T) {
	digest := strings.Repeat("a", 64)
	for name, spoil := range map[string]func(p *place){
		"no state":        func(p *place) { os.Remove(filepath.Join(p.dir, base+stateEnd)) },
		"no partial file": func(p *place) { os.Remove(filepath.Join(p.dir, base+partialEnd)) },
		"no JSON":         func(p *place) { p.put(base+stateEnd, "{") },
		"empty":           func(p *place) { p.put(base+stateEnd, "") },
		"other file": func(p *place) {
			p.put(base+stateEnd, `{"sha256":"`+digest+`","size":263144,"segment":263144,"done":[1]}`)
		},
		"short partial":     func(p *place) { os.Truncate(filepath.Join(p.dir, base+partialEnd), 100) },
		"partial is a link": func(p *place) { p.link("elsewhere", base+partialEnd) },
		"state is a link":   func(p *place) { p.link("/etc/passwd", base+stateEnd) },
	} {
		t.Run(name, func(t *testing.T) {
			p, content := halfway(t)
			spoil(p)
			p.gets(ref)
			p.has(base, content)
			if n := len(p.asked()); n != 5 {
				t.Errorf("%d requests for five segments", n)
			}
		})
	}
}

func (p *place) put(path, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, path), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) link(target, path string) {
	p.t.Helper()
	path = filepath.Join(p.dir, path)
	os.Remove(path)
	if err := os.Symlink(target, path); err != nil {
		p.t.Fatal(err)
	}
}

func TestAStateIsOnlyBelievedIfItAddsUp(t *testing.T) {
	f := file{path: "m.gguf", size: 100, sha256: strings.Repeat("a", 64)}
	good := func() state { return state{SHA256: f.sha256, Size: 100, Segment: 40, Done: []int64{40, 1, 20}} }
	if s := good(); !s.of(f) {
		t.Error("a good one")
	}
	if s := newState(f, 1<<30); !s.of(f) {
		t.Error("a new one of one segment")
	}
	for i, spoil := range []func(*state){
		func(s *state) { s.SHA256 = "" },
		func(s *state) { s.Size = 101 },
		func(s *state) { s.Segment = 0 },
		func(s *state) { s.Segment = -40 },
		func(s *state) { s.Segment = 1 << 62 },
		func(s *state) { s.Segment = 41 },
		func(s *state) { s.Segment = 50 },
		func(s *state) { s.Done = nil },
		func(s *state) { s.Done = s.Done[:2] },
		func(s *state) { s.Done = append(s.Done, 0) },
		func(s *state) { s.Done[0] = 41 },
		func(s *state) { s.Done[2] = 21 },
		func(s *state) { s.Done[1] = -1 },
		func(s *state) { s.ETag = strings.Repeat("x", 5000) },
	} {
		s := good()
		if spoil(&s); s.of(f) {
			t.Errorf("%d: %+v", i, s)
		}
	}
}

// The branch has moved and the file is another: nothing of the old one is kept.
func TestAPartialOfAnotherVersionIsNotMixedIn(t *testing.T) {
	p, content := halfway(t)
	f := p.hub.File("Org/Repo", "m-Q4_K_M.gguf")
	other := slices.Clone(content)
	slices.Reverse(other)
	p.hub.Replace("Org/Repo", f.Path, other)
	p.gets(ref)
	p.has(base, other)
	if n := len(p.asked()); n != 5 {
		t.Errorf("%d requests for five segments", n)
	}
}

// The store says by If-Range that the bytes we have are of another version, though hub and digest are the same.
func TestAnotherVersionInTheStoreStartsAnew(t *testing.T) {
	p, content := halfway(t)
	p.hub.File("Org/Repo", "m-Q4_K_M.gguf").ETag = `"new"`
	p.gets(ref)
	p.has(base, content)
	if got := p.asked(); len(got) != 6 || got[0] != "bytes=196608-262143" || got[1] != "bytes=0-65535" {
		t.Errorf("asked for %q", got)
	}
}

// A weak ETag may not be asked with (If-Range), so the answer itself tells.
func TestAnotherVersionUnderAWeakETagStartsAnew(t *testing.T) {
	p, content := withModel(t)
	p.f.options.Parallel = 1
	p.hub.File("Org/Repo", "m-Q4_K_M.gguf").ETag = `W/"1"`
	n := 0
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: func(w *fetchtest.Answer, r *http.Request) bool {
		if n++; n > 2 {
			return fetchtest.NewETag(`W/"2"`)(w, r)
		}
		return false
	}})
	p.gets(ref)
	p.has(base, content)
	if got := p.asked(); len(got) != 8 || got[3] != "bytes=0-65535" {
		t.Errorf("asked for %q", got)
	}
}

func TestAResumeWithoutRangesStartsAnew(t *testing.T) {
	p, content := halfway(t)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.IgnoreRange()})
	p.gets(ref)
	p.has(base, content)
}

func TestAFileThatIsThereIsNotTouched(t *testing.T) {
	p, content := withModel(t)
	p.gets(ref)
	before, err := os.Stat(filepath.Join(p.dir, base))
	if err != nil {
		t.Fatal(err)
	}
	p.hub.Forget()
	p.gets(ref)
	p.has(base, content)
	after, err := os.Stat(filepath.Join(p.dir, base))
	if err != nil || !os.SameFile(before, after) || len(p.asked()) != 0 {
		t.Errorf("downloaded again: %q, %v", p.asked(), err)
	}
	if after.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", after.Mode())
	}
}

func TestTheModelFolderCannotLeadElsewhere(t *testing.T) {
	p, _ := withModel(t)
	outside := t.TempDir()
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.link(outside, "org--repo")
	p.refuses(ref, fault.ModelAccessDenied, "org--repo", "escapes")
	if entries, _ := os.ReadDir(outside); len(entries) != 0 {
		t.Errorf("written outside: %v", entries)
	}
	w := p.want(ref)
	for _, folder := range []string{"", ".", "..", "../x", "/x", "a/b"} {
		w.Folder = folder
		if err := p.f.Fetch(t.Context(), w); fault.CodeOf(err) != fault.ModelRefInvalid {
			t.Errorf("folder %q: %v", folder, err)
		}
	}
}

func TestADirectoryThatCannotBeWrittenSaysWhich(t *testing.T) {
	p, _ := withModel(t)
	if err := os.WriteFile(p.dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.refuses(ref, fault.ModelAccessDenied, p.dir, "--models-dir")
}

// FuzzState: whatever lies in the folder, a state that is believed never says more than the file has.
func FuzzState(f *testing.F) {
	x := file{path: "m.gguf", size: 100, sha256: strings.Repeat("a", 64)}
	good, err := json.Marshal(state{SHA256: x.sha256, Size: 100, Segment: 40, Done: []int64{40, 1, 20}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"segment":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s state
		if json.Unmarshal(b, &s) != nil || !s.of(x) {
			return
		}
		p := &partial{file: x, state: s, m: &meter{}}
		if n := p.bytes(); n < 0 || n > x.size || p.whole() > n {
			t.Errorf("%s: %d bytes, %d without a gap", b, n, p.whole())
		}
		for i, ok := p.take(); ok; i, ok = p.take() {
			if from, to := p.todo(i); from < 0 || from >= to || to > x.size {
				t.Errorf("%s: segment %d from %d to %d", b, i, from, to)
			}
		}
	})
}
