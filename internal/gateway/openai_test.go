package gateway_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
)

// v1 posts to a route of OpenAI's and returns the body of a response with that status.
func v1(t *testing.T, h *http.Client, path, body string, status int) string {
	t.Helper()
	resp, err := h.Post("http://queen"+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%d, want %d: %v\n%s", resp.StatusCode, status, err, b)
	}
	return string(b)
}

func TestAClientThatLeavesCancelsEveryChoice(t *testing.T) {
	for name, stream := range map[string]string{"whole": "false", "stream": "true"} {
		started, cancelled := make(chan struct{}, 3), make(chan string, 3)
		b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
			s.Tokens("x")
			started <- struct{}{}
			<-s.Cancelled
			cancelled <- s.Reason()
		}}
		_, h, _ := serve(t, b, gateway.Options{})
		c, leave := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(c, "POST", "http://queen/v1/chat/completions", strings.NewReader(`{"model":"demo","n":3,"stream":`+stream+`,"messages":[{"role":"user","content":"hi"}]}`))
		r.Header.Set("Content-Type", "application/json")
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp, err := h.Do(r); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
		for range 3 {
			<-started
		}
		leave()
		for range 3 {
			if why := <-cancelled; !strings.HasPrefix(why, "client is gone") {
				t.Errorf("%s: cancelled because %s", name, why)
			}
		}
		<-done
	}
}

func TestNothingElseAnswersBelowV1(t *testing.T) {
	_, h, _ := serve(t, says(), gateway.Options{})
	for _, c := range []string{"/v1/responses", "/v1/chat", "/v1/models"} {
		if body := v1(t, h, c, `{}`, 404); !strings.Contains(body, `"type":"invalid_request_error"`) {
			t.Errorf("%s: %s", c, body)
		}
	}
}

func TestABodyOverTheLimitIsCutOff(t *testing.T) {
	_, h, _ := serve(t, says(), gateway.Options{})
	r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://queen/v1/chat/completions", io.LimitReader(endless{}, 100<<20))
	r.Header.Set("Content-Type", "application/json")
	resp, err := h.Do(r)
	if err != nil {
		return // cut off while it was still sending
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 413 || !strings.Contains(string(b), "too large") {
		t.Errorf("%d %s", resp.StatusCode, b)
	}
}

// endless is a JSON string that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '"'
	}
	return len(p), nil
}

func TestACallerSeesOnlyItsModels(t *testing.T) {
	b := says("x")
	h := gateway.Handler(b, gateway.Options{Models: func(context.Context) ([]gateway.ModelInfo, error) {
		return []gateway.ModelInfo{{ID: "demo"}, {ID: "secret"}}, nil
	}})
	get := func(path string) string {
		r, _ := http.NewRequestWithContext(gateway.WithCaller(t.Context(), gateway.Caller{Tenant: "a", Weight: 2, Models: []string{"demo"}}), "GET", path, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	if body := get("/v1/models"); strings.Contains(body, "secret") || !strings.Contains(body, "demo") {
		t.Error(body)
	}
	if body := get("/v1/models/secret"); !strings.Contains(body, "model_not_found") {
		t.Error(body)
	}
	r, _ := http.NewRequestWithContext(gateway.WithCaller(t.Context(), gateway.Caller{Tenant: "a", Weight: 2}), "POST", "/v1/completions", strings.NewReader(`{"model":"demo","prompt":"x"}`))
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if g := b.Requests()[0]; g.GetTenant() != "a" || g.GetWeight() != 2 {
		t.Errorf("tenant %q, weight %v", g.GetTenant(), g.GetWeight())
	}
}

// While a model loads the stream says so, in comments that clients skip.
func TestASilentStreamSaysWhatIsBeingDone(t *testing.T) {
	seen := make(chan struct{})
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Say("worker", "load", "loading\nmodel")
		<-seen
		s.Tokens("x")
		s.Done("stop", 1)
	}}
	_, h, _ := serve(t, b, gateway.Options{Keepalive: 5 * time.Millisecond})
	resp, err := h.Post("http://queen/v1/chat/completions", "application/json", strings.NewReader(`{"model":"demo","stream":true,"messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	for line := ""; line != ": loading model\n"; {
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	close(seen)
	if rest, err := io.ReadAll(r); err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("%v: %s", err, rest)
	}
}
