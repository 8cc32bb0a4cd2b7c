package treetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rbee/internal/api"
)

// client speaks to a daemon's socket.
func (d *daemon) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", d.socket)
	}}}
}

// flow is an answer as it comes.
type flow struct {
	t      *testing.T
	status int
	body   []byte // of a refusal
	lines  *bufio.Scanner
	close  func()
	text   strings.Builder
	said   []string // narration
	done   *api.Done
	failed *api.Failure
}

// post asks the daemon for an answer of the demo model at temperature 0.
func (d *daemon) post(prompt string, more map[string]any) *flow {
	d.t.Helper()
	body := map[string]any{"model": "demo", "prompt": prompt, "temperature": 0}
	for k, v := range more {
		body[k] = v
	}
	b, _ := json.Marshal(body)
	ctx, cancel := context.WithCancel(d.t.Context())
	r, _ := http.NewRequestWithContext(ctx, "POST", "http://queen/rbee/v1/generate", bytes.NewReader(b))
	r.Header.Set("Content-Type", "application/json")
	resp, err := d.client().Do(r)
	if err != nil {
		d.t.Errorf("asking: %v", err)
		cancel()
		return &flow{t: d.t, lines: bufio.NewScanner(strings.NewReader("")), close: func() {}}
	}
	f := &flow{t: d.t, status: resp.StatusCode, lines: bufio.NewScanner(resp.Body), close: func() { cancel(); resp.Body.Close() }}
	d.t.Cleanup(f.close)
	if f.status != http.StatusOK {
		f.body, _ = io.ReadAll(resp.Body)
	}
	return f
}

// until reads on until is is true, or the end; it says which.
func (f *flow) until(is func() bool) bool {
	for !is() {
		if !f.lines.Scan() {
			return false
		}
		kind, ok := strings.CutPrefix(f.lines.Text(), "event: ")
		if !ok || !f.lines.Scan() {
			continue
		}
		data := []byte(strings.TrimPrefix(f.lines.Text(), "data: "))
		switch api.Kind(kind) {
		case api.KindToken:
			var token struct{ Text string }
			_ = json.Unmarshal(data, &token)
			f.text.WriteString(token.Text)
		case api.KindNarration:
			var n api.Narration
			_ = json.Unmarshal(data, &n)
			f.said = append(f.said, n.Text)
		case api.KindDone:
			f.done = &api.Done{}
			_ = json.Unmarshal(data, f.done)
		case api.KindError:
			f.failed = &api.Failure{}
			_ = json.Unmarshal(data, f.failed)
		}
	}
	return true
}

// end reads the whole answer.
func (f *flow) end() *flow {
	f.until(func() bool { return false })
	f.close()
	return f
}

func (f *flow) hears(pattern string) bool {
	return regexp.MustCompile(pattern).MatchString(strings.Join(f.said, "\n"))
}

func TestTreeWhoWaitsIsToldItsPlace(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=100000,rate=200"}, "--slots", "1")
	one := d.post("hello", nil)
	if !one.until(func() bool { return one.text.Len() > 0 }) {
		t.Fatal("no answer")
	}
	two := d.post("hello", map[string]any{"max_tokens": 10})
	if !two.until(func() bool { return two.hears(`waiting: 1st of 1`) }) {
		t.Fatalf("the second heard %q", two.said)
	}
	three := d.post("hello", map[string]any{"max_tokens": 10})
	if !three.until(func() bool { return three.hears(`waiting: 2nd of 2`) }) {
		t.Fatalf("the third heard %q", three.said)
	}
	if !two.until(func() bool { return two.hears(`waiting: 1st of 2`) }) {
		t.Fatalf("the second heard %q", two.said)
	}
	one.close() // a client that leaves frees its slot
	if two.end(); two.done == nil || two.done.Usage.CompletionTokens != 10 {
		t.Errorf("the second: %+v", two.failed)
	}
	if three.end(); three.done == nil {
		t.Errorf("the third: %+v", three.failed)
	}
	d.stop(0)
}

func TestTreeAFullLineSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=100000,rate=200"}, "--slots", "1", "--drain", "0s")
	one := d.post("hello", nil)
	one.until(func() bool { return one.text.Len() > 0 })
	for i := range 100 {
		f := d.post("hello", nil)
		if want := fmt.Sprintf(`waiting: .* of %d\b`, i+1); i%33 == 0 && !f.until(func() bool { return f.hears(want) }) {
			t.Fatalf("number %d heard %q", i, f.said)
		}
	}
	var said struct {
		Error struct {
			Code    string
			Details map[string]any
		}
	}
	f := d.post("hello", nil)
	for f.status == http.StatusOK { // the hundred narrate the model before they are in line
		f.end()
		if f.failed != nil {
			said.Error.Code, said.Error.Details = string(f.failed.Error.Code), f.failed.Error.Details
			break
		}
	}
	if said.Error.Code == "" {
		_ = json.Unmarshal(f.body, &said)
	}
	if said.Error.Code != "QUEUE_FULL" || said.Error.Details["waiting"] != 100. || said.Error.Details["retry_after_s"] == nil {
		t.Errorf("%d %s %+v", f.status, f.body, said)
	}
	d.stop(0)
}
