package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rbee/internal/fault"
)

// giving is a server of one file, and who takes it.
type giving struct {
	*place
	s       *httptest.Server
	content []byte
	claims  string                                        // the digest that is announced
	during  func(w http.ResponseWriter, asked int64) bool // says whether it has answered
	digests atomic.Int64
	sent    atomic.Int64
}

var giftTime = time.Unix(1_700_000_000, 0)

func newGiving(t *testing.T, content []byte) *giving {
	g := &giving{place: newPlace(t), content: content}
	sum := sha256.Sum256(content)
	g.claims = hex.EncodeToString(sum[:])
	var asked atomic.Int64
	g.s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.during != nil && g.during(w, asked.Add(1)) {
			return
		}
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(&counting{w, &g.sent}, r, "x.gguf", giftTime, bytes.NewReader(g.content))
	}))
	t.Cleanup(g.s.Close)
	return g
}

type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

func (g *giving) take(ctx context.Context) (int64, error) {
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	return g.f.Take(ctx, Gift{Dir: g.dir, Folder: "x", From: "the control node", Via: tr,
		Files:  []GiftFile{{Name: "x.gguf", Address: g.s.URL + "/file", Size: int64(len(g.content)), Modified: giftTime}},
		Digest: func(context.Context, int) (string, error) { g.digests.Add(1); return g.claims, nil }})
}

func TestAGiftIsPutWhereADownloadWouldBeAndIsThereTheNextTime(t *testing.T) {
	g := newGiving(t, random(3*segment+17))
	if n, err := g.take(t.Context()); err != nil || n != int64(len(g.content)) {
		t.Fatalf("took %d: %v", n, err)
	}
	g.has("x/x.gguf", g.content)
	g.digests.Store(0)
	g.sent.Store(0)
	if n, err := g.take(t.Context()); err != nil || n != 0 || g.sent.Load() != 0 || g.digests.Load() != 0 {
		t.Errorf("the second time it took %d (%v), %d bytes were sent and %d digests asked for", n, err, g.sent.Load(), g.digests.Load())
	}
	// Another time, the same bytes: read, not sent.
	if err := os.Chtimes(filepath.Join(g.dir, "x/x.gguf"), time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if n, err := g.take(t.Context()); err != nil || n != 0 || g.sent.Load() != 0 {
		t.Errorf("touched, it took %d (%v), and %d bytes were sent", n, err, g.sent.Load())
	}
	// Other bytes under the same name are replaced.
	if err := os.WriteFile(filepath.Join(g.dir, "x/x.gguf"), make([]byte, len(g.content)), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := g.take(t.Context()); err != nil || n != int64(len(g.content)) {
		t.Errorf("another file there: took %d (%v)", n, err)
	}
	g.has("x/x.gguf", g.content)
}

func TestAGiftGoesOnWhereItWasCut(t *testing.T) {
	g := newGiving(t, random(20*segment))
	ctx, cancel := context.WithCancelCause(t.Context())
	cut := errors.New("cut")
	g.during = func(_ http.ResponseWriter, asked int64) bool {
		if asked == 8 {
			cancel(cut)
			return true
		}
		return false
	}
	if _, err := g.take(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	g.has("x/x.gguf.partial", append([]byte(nil), g.partial()...), "x.gguf.partial.json")
	g.during = nil
	before := g.sent.Swap(0)
	if _, err := g.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := g.sent.Load(); before < segment || after > int64(len(g.content))-segment {
		t.Errorf("%d bytes came before the cut, and %d after it of %d", before, after, len(g.content))
	}
	g.has("x/x.gguf", g.content)
}

func (g *giving) partial() []byte {
	b, err := os.ReadFile(filepath.Join(g.dir, "x/x.gguf.partial"))
	if err != nil {
		g.t.Fatal(err)
	}
	return b
}

func TestAGiftWithOtherBytesThanAnnouncedIsRefused(t *testing.T) {
	g := newGiving(t, random(2*segment))
	g.content[100] ^= 1
	_, err := g.take(t.Context())
	if e := fault.From(err); e.Code != fault.ModelCorrupt || !bytes.Contains([]byte(e.Message), []byte("the control node")) {
		t.Errorf("%s: %v", e.Code, err)
	}
	if left := g.names("x"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestAGiftIsSentOnceHoweverManyAsk(t *testing.T) {
	g := newGiving(t, random(5*segment))
	begun, open := make(chan struct{}), make(chan struct{})
	g.during = func(_ http.ResponseWriter, asked int64) bool {
		if asked == 1 {
			close(begun)
		}
		<-open
		return false
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := g.take(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	<-begun
	close(open)
	wait.Wait()
	if n := g.sent.Load(); n != int64(len(g.content)) {
		t.Errorf("%d bytes were sent, of a file of %d", n, len(g.content))
	}
}

func TestAPortionIsWhatTheLineCarriesInAMoment(t *testing.T) {
	p := &portion{}
	if n := p.bytes(1 << 30); n != firstPortion {
		t.Errorf("the first is %d", n)
	}
	for range 20 {
		p.took(p.bytes(1<<30), time.Millisecond)
	}
	if n := p.bytes(1 << 30); n != mostPortion {
		t.Errorf("on a fast line it is %d", n)
	}
	p.took(100, time.Microsecond) // the end of a segment
	if n := p.bytes(1 << 30); n != mostPortion {
		t.Errorf("a small request changed it to %d", n)
	}
	for range 3 {
		n := p.bytes(1 << 30)
		p.took(n, time.Duration(float64(n)/100e3*float64(time.Second))) // 100 kB/s
	}
	if n := p.bytes(1 << 30); n < 35_000 || n > 45_000 {
		t.Errorf("at 100 kB/s it is %d, want about 40,000", n)
	}
	p.took(p.bytes(1<<30), time.Hour)
	if n := p.bytes(1 << 30); n != leastPortion {
		t.Errorf("on a dead line it is %d", n)
	}
	if n := (*portion)(nil).bytes(77); n != 77 {
		t.Errorf("where nothing is shared it is %d of 77", n)
	}
}
