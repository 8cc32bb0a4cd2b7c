package gateway_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
)

// recorder is a client that can be held up, and that counts what it gets.
type recorder struct {
	header  http.Header
	body    bytes.Buffer
	flushes int
	hold    chan struct{} // the first flush waits for it
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) Flush() {
	if r.flushes++; r.flushes == 1 && r.hold != nil {
		<-r.hold
	}
}

func request() *http.Request {
	r := httptest.NewRequest("POST", "/rbee/v1/generate", strings.NewReader(`{"model":"demo","prompt":"x"}`))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestEventsThatWaitShareOneFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		more := make(chan struct{})
		b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
			s.Tokens("first")
			<-more
			for range 20 {
				s.Tokens("x")
			}
			s.Done("stop", 21)
		}}
		w := &recorder{header: http.Header{}, hold: make(chan struct{})}
		over := make(chan struct{})
		go func() {
			defer close(over)
			gateway.Handler(b, gateway.Options{}).ServeHTTP(w, request())
		}()
		synctest.Wait() // the writer is held up in its first flush
		close(more)
		synctest.Wait() // all the rest has arrived
		close(w.hold)
		<-over
		if n := strings.Count(w.body.String(), "event: token"); n != 21 || w.flushes != 2 {
			t.Fatalf("%d tokens in %d flushes, want 21 in 2", n, w.flushes)
		}
	})
}

func TestSilentStreamGetsKeepalives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
			time.Sleep(17 * time.Second) // of the bubble's clock
			s.Done("stop", 0)
		}}
		w := &recorder{header: http.Header{}}
		gateway.Handler(b, gateway.Options{}).ServeHTTP(w, request())
		if got := w.body.String(); !strings.HasPrefix(got, ":\n:\n:\nevent: done") {
			t.Fatalf("17 s of silence at a keepalive of 5 s gave %q", got)
		}
	})
}
