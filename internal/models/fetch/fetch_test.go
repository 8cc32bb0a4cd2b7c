package fetch

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/models"
	"rbee/internal/models/fetch/fetchtest"
)

func TestWhatIsFetchedIsWhatResolveFindsInEveryForm(t *testing.T) {
	whole := model(t, 0, 1)
	for _, c := range []struct {
		ref   string
		files []string // in the repository
		want  []string // on disk, the first one as the model's path
		parts bool
	}{
		{ref: "tinyllama", files: []string{"tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf", "tinyllama-1.1b-chat-v1.0.Q8_0.gguf"},
			want: []string{"tinyllama/tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf"}},
		{ref: "Mine", files: []string{"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, want: []string{"mine/m-Q8_0.gguf"}},
		{ref: "hf:Org/Repo", files: []string{"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, want: []string{"org--repo/m-Q4_K_M.gguf"}},
		{ref: "hf:Org/Repo", files: []string{"only-F16.gguf", "mmproj-F16.gguf"}, want: []string{"org--repo/only-F16.gguf"}},
		{ref: "hf:Org/Repo:q8_0", files: []string{"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, want: []string{"org--repo/m-Q8_0.gguf"}},
		{ref: "hf:Org/Repo/m-Q8_0.gguf", files: []string{"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, want: []string{"org--repo/m-Q8_0.gguf"}},
		{ref: "hf:Org/Repo/Q8_0/m.gguf", files: []string{"Q4_K_M/m.gguf", "Q8_0/m.gguf"}, want: []string{"org--repo/Q8_0--m.gguf"}},
		{ref: "hf:Org/Repo:Q8_0", files: []string{"Q4_K_M/m.gguf", "Q8_0/m.gguf"}, want: []string{"org--repo/Q8_0--m.gguf"}},
		{ref: "hf:Org/Repo:Q8_0", files: []string{"Q4_K_M/m-00001-of-00001.gguf", "Q8_0/m-00001-of-00002.gguf", "Q8_0/m-00002-of-00002.gguf"},
			want: []string{"org--repo/Q8_0--m-00001-of-00002.gguf", "org--repo/Q8_0--m-00002-of-00002.gguf"}, parts: true},
		{ref: "hf:Org/Repo/m-Q2_K-00002-of-00002.gguf", files: []string{"m-Q2_K-00001-of-00002.gguf", "m-Q2_K-00002-of-00002.gguf"},
			want: []string{"org--repo/m-Q2_K-00001-of-00002.gguf", "org--repo/m-Q2_K-00002-of-00002.gguf"}, parts: true},
	} {
		t.Run(c.ref, func(t *testing.T) {
			p := newPlace(t)
			var names []string
			for i, path := range c.files {
				content := whole
				if c.parts {
					content = model(t, int32(max(0, i+2-len(c.files))), 2)
				}
				for _, repo := range []string{"Org/Repo", "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF"} {
					p.hub.Add(repo, path, content)
				}
			}
			env := models.Env{ModelsDir: p.dir, Getenv: func(string) string { return "" }, Names: map[string]string{"mine": "hf:Org/Repo:Q8_0"}}
			if _, err := models.Resolve(t.Context(), c.ref, env); fault.CodeOf(err) != fault.ModelNotFound {
				t.Fatalf("before: %v", err)
			}
			env.Fetcher = p.f
			m, err := models.Resolve(t.Context(), c.ref, env)
			if err != nil {
				t.Fatal(err, fault.From(err).Hint)
			}
			if want := filepath.Join(p.dir, c.want[0]); m.Path != want || len(m.Parts) != 0 && len(m.Parts) != len(c.want) {
				t.Errorf("found %s %v, want %s", m.Path, m.Parts, want)
			}
			for _, path := range c.want {
				names = append(names, filepath.Base(path))
			}
			if got := p.names(filepath.Dir(c.want[0])); len(got) != len(names) {
				t.Errorf("on disk %q, want %q", got, names)
			}
			p.hub.Forget()
			if again, err := models.Resolve(t.Context(), c.ref, env); err != nil || again.Path != m.Path {
				t.Errorf("the second time: %v, %v", again, err)
			}
			if r := p.hub.Requests(); len(r) != 0 {
				t.Errorf("the second time asked the hub: %v", r)
			}
		})
	}
}

func TestASplitModelIsGoneOnWithAfterAPartIsMissing(t *testing.T) {
	p := newPlace(t)
	for i, name := range []string{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"} {
		p.hub.Add("Org/Repo", name, model(t, int32(i), 2))
	}
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Path: "m-00002-of-00002.gguf", Do: fetchtest.Status(500)})
	env := models.Env{ModelsDir: p.dir, Getenv: func(string) string { return "" }, Fetcher: p.f}
	if _, err := models.Resolve(t.Context(), "hf:Org/Repo", env); fault.CodeOf(err) != fault.DownloadFailed {
		t.Fatal(err)
	}
	p.hub.Mend()
	p.hub.Forget()
	m, err := models.Resolve(t.Context(), "hf:Org/Repo", env)
	if err != nil || len(m.Parts) != 2 {
		t.Fatal(m, err)
	}
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 1 {
		t.Errorf("%d requests for the second part alone", n)
	}
}

func TestSeveralSegmentsComeAtTheSameTimeAndOnce(t *testing.T) {
	p := newPlace(t)
	content := random(10*segment + 17)
	p.hub.Add("Org/Repo", "m.gguf", content)
	// Four segments must be under way before any may end.
	open := make(chan struct{})
	n := make(chan struct{}, 16)
	go func() {
		for range 4 {
			<-n
		}
		close(open)
	}()
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Gate(1, func() { n <- struct{}{} }, open)})
	p.gets("hf:Org/Repo")
	p.has("org--repo/m.gguf", content)
	ranges := map[string]bool{}
	for _, r := range p.hub.Requests(fetchtest.Bytes) {
		if ranges[r.Range] {
			t.Errorf("%s twice", r.Range)
		}
		ranges[r.Range] = true
	}
	if len(ranges) != 11 {
		t.Errorf("%d ranges, want 11", len(ranges))
	}
	if n := len(p.hub.Requests(fetchtest.Resolve)); n != 1 {
		t.Errorf("the hub was asked %d times where the file is", n)
	}
}

func TestEverythingIsAskedForByTheCommit(t *testing.T) {
	p := newPlace(t)
	p.hub.Add("Org/Repo", "a b%2F#?.Q4_K_M.gguf", random(100))
	p.gets("hf:Org/Repo")
	for kind, want := range map[fetchtest.Kind]string{
		fetchtest.Info:    "/api/models/Org/Repo/revision/main",
		fetchtest.Tree:    "/api/models/Org/Repo/tree/" + fetchtest.Commit,
		fetchtest.Resolve: "/Org/Repo/resolve/" + fetchtest.Commit + "/a b%2F#?.Q4_K_M.gguf",
	} {
		if r := p.hub.Requests(kind); len(r) != 1 || r[0].Path != want {
			t.Errorf("%v, want %s", r, want)
		}
	}
}

func TestADigestInTheReferenceIsComparedBeforeTheDownload(t *testing.T) {
	p := newPlace(t)
	f := p.hub.Add("Org/Repo", "m.gguf", random(100))
	const other = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	p.refuses("hf:Org/Repo@sha256:"+other, fault.ModelCorrupt, other, f.SHA256)
	if n := len(p.hub.Requests(fetchtest.Resolve)); n != 0 {
		t.Error("the file was asked for")
	}
	p.gets("hf:Org/Repo@sha256:" + f.SHA256)
}

func TestChoicesAreListedWithTheirSizes(t *testing.T) {
	p := newPlace(t)
	p.hub.Add("Org/Two", "m-Q8_0.gguf", random(200))
	p.hub.Add("Org/Two", "m-Q5_0.gguf", random(100))
	p.hub.Add("Org/Two", "mmproj-m.gguf", random(100))
	p.hub.Add("Org/None", "model.safetensors", random(100))
	p.hub.Add("Org/Part", "m-Q4_K_M-00002-of-00003.gguf", random(100))
	p.refuses("hf:Org/Two", fault.ModelAmbiguous, "m-Q8_0.gguf (200 bytes)", "m-Q5_0.gguf (100 bytes)", "hf:Org/Two/m-Q5_0.gguf")
	p.refuses("hf:Org/Two:Q4_K_M", fault.ModelNotFound, "m-Q8_0.gguf (200 bytes)", "Q4_K_M")
	p.refuses("hf:Org/Two:Q8", fault.ModelNotFound)
	p.refuses("hf:Org/Two/other.gguf", fault.ModelNotFound, "other.gguf", "m-Q8_0.gguf (200 bytes)")
	p.refuses("hf:Org/Two/mmproj-m.gguf", fault.ModelNotFound)
	p.refuses("hf:Org/None", fault.ModelNotFound, "-GGUF")
	p.refuses("hf:Org/Part", fault.ModelNotFound, "1 of the 3 parts")
	p.refuses("hf:Org/Missing", fault.ModelNotFound, "Org/Missing")
	if names := p.names("."); len(names) != 0 {
		t.Errorf("left on disk: %q", names)
	}
}

func TestAPageLeadsToTheNext(t *testing.T) {
	p := newPlace(t)
	p.hub.Page = 2
	for _, name := range []string{"a-Q8_0", "b-Q8_0", "c-Q8_0", "d-Q8_0", "e-Q4_K_M"} {
		p.hub.Add("Org/Repo", name+".gguf", random(10))
	}
	p.gets("hf:Org/Repo")
	if n := len(p.hub.Requests(fetchtest.Tree)); n != 3 {
		t.Errorf("%d pages", n)
	}
}

func TestAnEndedContextIsTheAnswer(t *testing.T) {
	p := newPlace(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.f.Fetch(ctx, p.want("hf:Org/Repo")); err != context.Canceled {
		t.Error(err)
	}
}

func TestAPlanSaysWhatWouldComeAndChangesNothing(t *testing.T) {
	p, content := halfway(t)
	before := p.names("org--repo")
	plan, err := p.f.Plan(t.Context(), p.want(ref))
	if err != nil {
		t.Fatal(err)
	}
	f := p.hub.File("Org/Repo", "m-Q4_K_M.gguf")
	want := PlannedFile{f.Path, filepath.Join(p.dir, base), int64(len(content)), f.SHA256}
	if plan.Commit != fetchtest.Commit || plan.Size != want.Size || plan.Have != 3*segment || len(plan.Files) != 1 || plan.Files[0] != want {
		t.Errorf("%+v", plan)
	}
	if after := p.names("org--repo"); !slices.Equal(before, after) || len(p.hub.Requests(fetchtest.Resolve)) != 0 {
		t.Errorf("before %q, after %q", before, after)
	}
}
