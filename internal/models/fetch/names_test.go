package fetch

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/models/fetch/fetchtest"
)

var evil = []string{
	"../m.gguf", "/etc/m.gguf", "a/../../m.gguf", "a//m.gguf", "./m.gguf", "a/./m.gguf", "a\\..\\m.gguf", "C:m.gguf",
	"m\x00.gguf", "m\n.gguf", "m\x1b[31m.gguf", "m\u202e.gguf", "\xff.gguf", ".m.gguf", "a/.hidden/m.gguf", "m.gguf/../n.gguf",
	strings.Repeat("a", 250) + ".gguf", strings.Repeat("a/", 600) + "m.gguf", "a/" + strings.Repeat("b", 236) + ".gguf",
}

func TestEvilNamesTouchNothing(t *testing.T) {
	for _, name := range evil {
		p := newPlace(t)
		p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", random(10))
		p.hub.Add("Org/Repo", name, random(10))
		if name == "\xff.gguf" { // JSON cannot say it; what arrives is a good name
			continue
		}
		p.refuses(ref, fault.DownloadFailed, "file name")
		if names := p.names("."); len(names) != 0 {
			t.Errorf("%q left %q", name, names)
		}
	}
}

func TestSizesAndDigestsThatCannotBeAreRefused(t *testing.T) {
	for _, c := range []struct {
		spoil func(*fetchtest.File)
		says  string
	}{
		{func(f *fetchtest.File) { f.Size = -1 }, "-1 bytes"},
		{func(f *fetchtest.File) { f.Size = 0 }, "0 bytes"},
		{func(f *fetchtest.File) { f.Size = 1<<44 + 1 }, "17592186044417 bytes"},
		{func(f *fetchtest.File) { f.SHA256 = "" }, "no SHA-256 digest"},
		{func(f *fetchtest.File) { f.SHA256 = "../../../../etc/passwd" }, "as the SHA-256 digest"},
		{func(f *fetchtest.File) { f.SHA256 = strings.Repeat("A", 64) }, "as the SHA-256 digest"},
	} {
		p := newPlace(t)
		c.spoil(p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", random(10)))
		p.refuses(ref, fault.DownloadFailed, c.says)
	}
}

func TestAListThatIsNoneIsRefused(t *testing.T) {
	long := strings.Repeat(" ", maxBody+1)
	for _, c := range []struct {
		kind fetchtest.Kind
		body string
		says string
	}{
		{fetchtest.Info, "<html>", "no JSON"},
		{fetchtest.Info, `{"sha":"main"}`, "name of a commit"},
		{fetchtest.Info, `{"sha":"../../x"}`, "name of a commit"},
		{fetchtest.Info, long, "more than 16777216 bytes"},
		{fetchtest.Tree, `{"error":"x"}`, "no JSON"},
		{fetchtest.Tree, `[{"type":"file","path":"m.gguf","size":1e99}]`, "no JSON"},
		{fetchtest.Tree, `[{"type":"file","path":"m.gguf","size":9223372036854775808}]`, "no JSON"},
		{fetchtest.Tree, `[{"type":"file","path":"m.gguf","size":10,"lfs":{"oid":"` + strings.Repeat("a", 64) + `","size":11}}]`, "two sizes"},
		{fetchtest.Tree, long, "more than 16777216 bytes"},
	} {
		p, _ := withModel(t)
		p.hub.Break(fetchtest.Fault{Kind: c.kind, Do: fetchtest.Body("application/json", c.body)})
		p.refuses(ref, fault.DownloadFailed, c.says)
		if len(p.waits) != 0 {
			t.Errorf("tried again after %v", p.waits)
		}
	}
}

func TestTwoFilesThatWouldBeOneOnDiskAreRefused(t *testing.T) {
	for _, pair := range [][2]string{{"a/m-Q4_K_M.gguf", "a--m-Q4_K_M.gguf"}, {"m-Q4_K_M.gguf", "M-q4_k_m.gguf"}} {
		p := newPlace(t)
		p.hub.Add("Org/Repo", pair[0], random(10))
		p.hub.Add("Org/Repo", pair[1], random(20))
		p.refuses(ref, fault.DownloadFailed, pair[0], pair[1])
	}
}

func TestPagesThatNeverEndOrLeadAwayAreRefused(t *testing.T) {
	p, _ := withModel(t)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Tree, Do: fetchtest.NextPage(p.hub.URL + "/api/models/Org/Repo/tree/" + fetchtest.Commit)})
	p.refuses(ref, fault.DownloadFailed, "more than 100 pages")
	p.hub.Mend()
	for _, next := range []string{p.hub.StoreURL + "/x", "//elsewhere.test/x", "https://" + strings.TrimPrefix(p.hub.URL, "http://"), "file:///etc/passwd"} {
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Tree, Do: fetchtest.NextPage(next)})
		p.refuses(ref, fault.DownloadFailed, "next page")
		p.hub.Mend()
	}
}

// FuzzList: whatever the hub sends, what comes out of it can be put on a disk.
func FuzzList(f *testing.F) {
	for _, name := range append(evil, "m.gguf", "Q8_0/m-00001-of-00002.gguf") {
		b, _ := json.Marshal([]any{map[string]any{"type": "file", "path": name, "size": 10,
			"lfs": map[string]any{"oid": strings.Repeat("a", 64), "size": 10}}})
		f.Add(b)
	}
	f.Add([]byte(`[{"type":"file","path":"m.gguf","size":-1}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		files, err := decodePage(body)
		if err != nil {
			return
		}
		for _, x := range files {
			n := x.name()
			if !filepath.IsLocal(n) || strings.ContainsAny(n, "/\\\x00\n\x1b") || strings.HasPrefix(n, ".") || len(n)+len(stateEnd)+1 > 255 ||
				len("."+n+".lock") > 255 || x.size <= 0 || x.size > maxSize || len(x.sha256) != 64 {
				t.Errorf("%+v would be written as %q", x, n)
			}
		}
		all, err := choices(files)
		if err != nil {
			return
		}
		d := &hub{}
		for _, c := range all {
			if len(c.files) == 0 || c.size() <= 0 || len(fmt.Sprint(c)) == 0 {
				t.Errorf("%+v", c)
			}
		}
		d.fitting(all)
	})
}

// FuzzCommit: a commit goes into a path, so it is nothing but hex digits.
func FuzzCommit(f *testing.F) {
	f.Add([]byte(`{"sha":"` + fetchtest.Commit + `"}`))
	f.Add([]byte(`{"sha":"../x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if sha, err := decodeCommit(body); err == nil && strings.Trim(sha, "0123456789abcdef") != "" {
			t.Errorf("%q", sha)
		}
	})
}

// FuzzNextPage: the next page is on the hub, or there is none.
func FuzzNextPage(f *testing.F) {
	c, err := newClient(context.Background(), func(string) string { return "" }, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`<https://huggingface.co/api/x?cursor=1>; rel="next"`)
	f.Add(`<//evil.test/x>; rel="next", </a>; rel=prev`)
	f.Fuzz(func(t *testing.T, link string) {
		next, err := c.nextPage("https://huggingface.co/api/models/a/b/tree/c", []string{link})
		if err == nil && next != "" && !strings.HasPrefix(strings.ToLower(next), "https://huggingface.co") {
			t.Errorf("%q leads to %q", link, next)
		}
	})
}
