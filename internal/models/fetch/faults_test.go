package fetch

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rbee/internal/fault"
	"rbee/internal/models/fetch/fetchtest"
)

const (
	ref    = "hf:Org/Repo"
	placed = "org--repo/m-Q4_K_M.gguf"
)

// withModel is a place whose hub has one model of five segments.
func withModel(t *testing.T) (*place, []byte) {
	p := newPlace(t)
	content := random(4*segment + 1000)
	p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", content)
	return p, content
}

var allKinds = []fetchtest.Kind{fetchtest.Info, fetchtest.Tree, fetchtest.Resolve, fetchtest.Bytes}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	for name, do := range map[string]fetchtest.Do{
		"408": fetchtest.Status(408), "429": fetchtest.Status(429), "500": fetchtest.Status(500), "502": fetchtest.Status(502),
		"503": fetchtest.Status(503), "no answer": fetchtest.Hang(), "reset": fetchtest.Reset(0),
	} {
		for _, kind := range allKinds {
			if name == "reset" && kind != fetchtest.Bytes {
				continue
			}
			t.Run(name+" of "+string(kind), func(t *testing.T) {
				t.Parallel()
				p, content := withModel(t)
				p.f.options.Stall = time.Second
				p.hub.Break(fetchtest.Fault{Kind: kind, Times: 1, Do: do})
				p.gets(ref)
				p.has(placed, content)
				if len(p.waits) != 1 || p.waits[0] < 50*time.Millisecond || p.waits[0] > 150*time.Millisecond {
					t.Errorf("waits %v, want one of 100 ms x0.5 to 1.5", p.waits)
				}
			})
		}
	}
}

func TestSixAttemptsAndTheirWaits(t *testing.T) {
	p, _ := withModel(t)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Info, Do: fetchtest.Status(503)})
	e := p.refuses(ref, fault.DownloadFailed, "6 attempts", "503 Service Unavailable")
	if n := len(p.hub.Requests(fetchtest.Info)); n != 6 || e.Details["attempts"] != 6 {
		t.Errorf("%d attempts, %v", n, e.Details)
	}
	want := 100 * time.Millisecond
	for _, w := range p.waits {
		if w < want/2 || w > want*3/2 {
			t.Errorf("waits %v: %v is not %v x0.5 to 1.5", p.waits, w, want)
		}
		want *= 2
	}
}

func TestTheWaitsDoubleUpToTheirLimit(t *testing.T) {
	d := &hub{Options: Options{}.withDefaults()}
	for failed := range 100 {
		if w := d.pause(failed+1, 0); w > 4800*time.Millisecond || failed >= 5 && w < 1600*time.Millisecond {
			t.Errorf("after %d failures %v", failed+1, w)
		}
	}
}

func TestNobodyIsTriedAgainWhoSaidNo(t *testing.T) {
	for _, c := range []struct {
		status int
		header []string
		code   fault.Code
		says   []string
	}{
		{401, nil, fault.ModelAccessDenied, []string{"401 Unauthorized", "HF_TOKEN"}},
		{403, nil, fault.ModelAccessDenied, []string{"403 Forbidden", "HF_TOKEN"}},
		{403, []string{"X-Error-Code", "GatedRepo", "X-Error-Message", "Access to \u202emodel is restricted"}, fault.ModelAccessDenied,
			[]string{"gated", "(Access to model is restricted)", "/Org/Repo"}},
		{401, []string{"X-Error-Code", "RepoNotFound"}, fault.ModelNotFound, []string{"no repository Org/Repo", "HF_TOKEN"}},
		{404, nil, fault.ModelNotFound, []string{"no repository Org/Repo"}},
		{400, nil, fault.DownloadFailed, []string{"400 Bad Request"}},
		{451, nil, fault.DownloadFailed, []string{"451"}},
	} {
		p, _ := withModel(t)
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Info, Do: fetchtest.Status(c.status, c.header...)})
		p.refuses(ref, c.code, c.says...)
		if n := len(p.hub.Requests()); n != 1 {
			t.Errorf("%d: %d requests", c.status, n)
		}
	}
}

func TestAFileThatIsListedButNotThere(t *testing.T) {
	p, _ := withModel(t)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Resolve, Do: fetchtest.Status(404)})
	p.refuses(ref, fault.ModelNotFound, "m-Q4_K_M.gguf", "404")
}

func TestAWrongTokenIsDenied(t *testing.T) {
	p, _ := withModel(t)
	p.hub.Token = "right"
	p.f.options.Getenv = func(name string) string {
		return map[string]string{"HF_ENDPOINT": p.hub.URL, "HF_TOKEN": "wrong"}[name]
	}
	p.refuses(ref, fault.ModelAccessDenied, "account of HF_TOKEN")
}

func TestATokenThatTheHubRepeatsIsNotShown(t *testing.T) {
	for _, status := range []int{400, 401, 403} {
		p, _ := withModel(t)
		p.f.options.Getenv = func(name string) string {
			return map[string]string{"HF_ENDPOINT": p.hub.URL, "HF_TOKEN": "hf_secret"}[name]
		}
		// What is not printed is left out: it must not hide the token from who looks for it.
		long := "no access with Bearer hf_se\u200bcret " + strings.Repeat("x", 154) + "hf_secret"
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Info, Do: fetchtest.Status(status, "X-Error-Message", long)})
		err := p.fetch(ref)
		if err == nil || !strings.Contains(err.Error(), "no access with Bearer [HF_TOKEN]") || strings.Contains(err.Error(), "hf_") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestTheServerSaysHowLongToWait(t *testing.T) {
	for text, want := range map[string]time.Duration{"7": 7 * time.Second, "86400": time.Minute, "-5": 0, "soon": 0} {
		p, content := withModel(t)
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Times: 1, Do: fetchtest.Status(429, "Retry-After", text)})
		p.gets(ref)
		p.has(placed, content)
		if len(p.waits) != 1 || want > 0 && p.waits[0] != want || want == 0 && p.waits[0] > 150*time.Millisecond {
			t.Errorf("%s: waited %v", text, p.waits)
		}
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := http.Header{"Retry-After": {now.Add(9 * time.Second).Format(http.TimeFormat)}}
	if got := retryAfter(h, now); got != 9*time.Second {
		t.Errorf("a date 9 s ahead: %v", got)
	}
}

// An attempt that was cut off goes on where it was, and does not count.
func TestProgressIsKeptAndResetsTheCount(t *testing.T) {
	for name, do := range map[string]func(int64) fetchtest.Do{"reset": fetchtest.Reset, "short": fetchtest.Short, "stall": fetchtest.Stall} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			content := random(segment - 1)
			p.f.options.Stall = 200 * time.Millisecond
			p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", content)
			p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Times: 10, Do: do(6000)})
			p.gets(ref)
			p.has(placed, content)
			var ranges []string
			for _, r := range p.hub.Requests(fetchtest.Bytes) {
				ranges = append(ranges, r.Range)
			}
			// A reset may take bytes with it that were on their way; the other two may not.
			if name != "reset" && (len(ranges) != 11 || ranges[1] != "bytes=6000-65534" || ranges[10] != "bytes=60000-65534") {
				t.Errorf("%q", ranges)
			}
			for _, w := range p.waits {
				if name != "reset" && w > 150*time.Millisecond {
					t.Errorf("waits %v", p.waits)
				}
			}
		})
	}
}

func TestAStallIsSaidToBeOne(t *testing.T) {
	p, _ := withModel(t)
	p.f.options.Stall = 20 * time.Millisecond
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Stall(0)})
	p.refuses(ref, fault.DownloadStalled, "6 attempts", "no byte for 20ms")
	if names := p.names("org--repo"); !slices.Equal(names, []string{"m-Q4_K_M.gguf.partial", "m-Q4_K_M.gguf.partial.json"}) {
		t.Errorf("kept %q", names)
	}
}

// Slow is no stall: the limit counts from the last byte.
func TestASlowDownloadIsNotCutOff(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	content := random(segment)
	p.hub.Add("Org/Repo", "m.gguf", content)
	p.f.options.Stall = time.Second
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Slow(segment / 2)}) // two seconds
	p.gets(ref)
	p.has("org--repo/m.gguf", content)
	if got := p.asked(); len(got) != 1 {
		t.Errorf("asked for %q", got)
	}
}

// With HTTP/2 all segments would share one connection and its window.
func TestEachSegmentHasAConnectionOfItsOwn(t *testing.T) {
	version := make(chan string, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { version <- r.Proto }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	tr := transport().(*http.Transport)
	tr.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr}).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if v := <-version; v != "HTTP/1.1" {
		t.Error(v)
	}
}

func TestAServerThatIsGoneIsDownloadFailed(t *testing.T) {
	p, _ := withModel(t)
	p.hub.Close()
	p.refuses(ref, fault.DownloadFailed, "6 attempts", "connection refused")
}

func TestWrongBytesAreFoundAndRemoved(t *testing.T) {
	p, content := withModel(t)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.WrongBytes(3*segment + 5)})
	e := p.refuses(ref, fault.ModelCorrupt, "m-Q4_K_M.gguf of Org/Repo")
	if len(e.Details["expected"].(string)) != 64 || len(e.Details["found"].(string)) != 64 || !strings.Contains(e.Message, e.Details["found"].(string)) {
		t.Errorf("%v, %v", e, e.Details)
	}
	if names := p.names("."); len(names) != 0 {
		t.Errorf("left on disk: %q", names)
	}
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 5 {
		t.Errorf("%d requests: it was downloaded again", n)
	}
	p.hub.Mend()
	p.gets(ref)
	p.has(placed, content)
}

func TestAWrongDigestOfTheHubIsFound(t *testing.T) {
	p := newPlace(t)
	f := p.hub.Add("Org/Repo", "m.gguf", random(100))
	right := f.SHA256
	f.SHA256 = strings.Repeat("a", 64)
	p.refuses(ref, fault.ModelCorrupt, f.SHA256, right)
}

// What breaks the protocol is not tried again: it would be the same.
func TestAnAnswerThatBreaksTheProtocolIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		do   fetchtest.Do
		says string
	}{
		"wrong range":      {fetchtest.WrongRange("bytes 1-65536/263144"), `"bytes 1-65536/263144"`},
		"other size":       {fetchtest.WrongRange("bytes 0-65535/1000000"), `"bytes 0-65535/1000000"`},
		"no range":         {fetchtest.WrongRange(""), "the range"},
		"too many bytes":   {fetchtest.Long(1000), "more than the 65536 bytes"},
		"gzip bomb":        {fetchtest.GzipBomb(10 << 20), "gzip"},
		"redirect loop":    {fetchtest.RedirectLoop(), "too many redirects"},
		"redirect to file": {fetchtest.RedirectTo("file:///etc/passwd"), "file"},
		"range not there":  {fetchtest.Status(416), "without the bytes"},
		"no content":       {fetchtest.Status(204), "204"},
	} {
		t.Run(name, func(t *testing.T) {
			p, content := withModel(t)
			p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: c.do})
			p.refuses(ref, fault.DownloadFailed, c.says)
			if len(p.waits) != 0 {
				t.Errorf("tried again after %v", p.waits)
			}
			if slices.Contains(p.names("org--repo"), "m-Q4_K_M.gguf") {
				t.Error("it has its name")
			}
			p.hub.Mend()
			p.gets(ref)
			p.has(placed, content)
		})
	}
}

func TestAGzipBombInTheListIsRefused(t *testing.T) {
	for _, kind := range []fetchtest.Kind{fetchtest.Info, fetchtest.Tree} {
		p, _ := withModel(t)
		p.hub.Break(fetchtest.Fault{Kind: kind, Do: fetchtest.GzipBomb(10 << 20)})
		p.refuses(ref, fault.DownloadFailed, "gzip")
	}
}

func TestAServerWithoutRangesSendsItInOnePiece(t *testing.T) {
	p, content := withModel(t)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.IgnoreRange()})
	p.gets(ref)
	p.has(placed, content)
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 2 {
		t.Errorf("%d requests, want one that finds out and one for all", n)
	}
}

// It cannot go on in the middle, so a server that always breaks off would be asked for ever if progress counted.
func TestAServerWithoutRangesThatBreaksOffIsGivenUp(t *testing.T) {
	p, _ := withModel(t)
	do := fetchtest.Short(100000)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: func(w *fetchtest.Answer, r *http.Request) bool {
		fetchtest.IgnoreRange()(w, r)
		return do(w, r)
	}})
	p.refuses(ref, fault.DownloadFailed, "6 attempts", "unexpected EOF")
}

func TestAChangedFileIsDownloadedAnew(t *testing.T) {
	p, content := withModel(t)
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Times: 1, Do: fetchtest.NewETag(`"older"`)})
	p.gets(ref)
	p.has(placed, content)
}

func TestAFileThatNeverRestsIsGivenUp(t *testing.T) {
	p, _ := withModel(t)
	n := 0
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: func(w *fetchtest.Answer, r *http.Request) bool {
		n++
		return fetchtest.NewETag(`"`+strings.Repeat("x", n)+`"`)(w, r)
	}})
	p.f.options.Parallel = 1
	p.refuses(ref, fault.DownloadFailed, "changed 4 times")
}

func TestASignedAddressThatHasRunOutIsAskedForAgain(t *testing.T) {
	p, content := withModel(t)
	p.f.options.Parallel = 1
	n := 0
	p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: func(w *fetchtest.Answer, r *http.Request) bool {
		if n++; n == 3 {
			return fetchtest.Status(403)(w, r)
		}
		return false
	}})
	p.gets(ref)
	p.has(placed, content)
	if n := len(p.hub.Requests(fetchtest.Resolve)); n != 2 {
		t.Errorf("the hub was asked %d times", n)
	}
}

func TestTheTokenGoesToTheHubAlone(t *testing.T) {
	p, content := withModel(t)
	p.hub.Token = "hf_secret"
	p.gets(ref)
	p.has(placed, content)
	for _, r := range p.hub.Requests() {
		if want := map[fetchtest.Host]string{fetchtest.TheHub: "Bearer hf_secret"}[r.Host]; r.Auth != want {
			t.Errorf("%s %s: %q", r.Host, r.Kind, r.Auth)
		}
	}
	if n := len(p.hub.Requests(fetchtest.Bytes)); n != 5 {
		t.Errorf("%d requests to the store", n)
	}
}

// net/http itself keeps the header on the way to a sub-domain.
func TestTheTokenDoesNotGoToASubDomain(t *testing.T) {
	seen := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Authorization") }))
	defer s.Close()
	env := map[string]string{"HF_ENDPOINT": "http://hub.test", "HF_TOKEN": "hf_secret"}
	c, err := newClient(t.Context(), func(n string) string { return env[n] }, proxied{s.Listener.Addr().String()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{"http://hub.test/x": "Bearer hf_secret", "http://cdn.hub.test/x": "", "http://hub.test:81/x": "", "https://hub.test/x": ""} {
		r, err := c.http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if got := <-seen; got != want {
			t.Errorf("%s: %q", address, got)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// proxied sends every request to one server.
type proxied struct{ address string }

func (p proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", p.address
	return http.DefaultTransport.RoundTrip(r)
}

func TestARedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was followed") }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer secure.Close()
	p := newPlace(t)
	p.f.options.Transport = secure.Client().Transport
	p.f.options.Getenv = func(name string) string { return map[string]string{"HF_ENDPOINT": secure.URL}[name] }
	p.refuses(ref, fault.DownloadFailed, "from https to http")
}

func TestAServerWithoutATrustedCertificateIsRefusedAtOnce(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	p := newPlace(t)
	p.f.options.Getenv = func(name string) string { return map[string]string{"HF_ENDPOINT": secure.URL}[name] }
	p.refuses(ref, fault.DownloadFailed, "certificate")
	if len(p.waits) != 0 {
		t.Errorf("tried again after %v", p.waits)
	}
}

func TestAnEndpointThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"huggingface.co", "ftp://host", "http://", "http://user:secret@host", "http://host?x=1", "http://h\x00st"} {
		p := newPlace(t)
		p.f.options.Getenv = func(name string) string { return map[string]string{"HF_ENDPOINT": text}[name] }
		e := p.refuses(ref, fault.InvalidRequest, "HF_ENDPOINT")
		if strings.Contains(e.Message, "secret") {
			t.Errorf("%v", e)
		}
	}
}
