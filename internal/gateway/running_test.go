package gateway_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
	"rbee/messages"
)

func TestAWatchTellsWhatCameAndWhatWent(t *testing.T) {
	going := make(chan struct{})
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { <-going; s.Done("stop", 0) }}
	c, h, _ := serve(t, b, gateway.Options{})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://queen/rbee/v1/requests", nil)
	req.Header.Set("Accept", "text/event-stream")
	resp, err := h.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("the watch ended (%v) without %s", lines.Err(), want)
	}
	until(`{"requests":[]}`)
	r := *hello
	r.ID = "watched"
	answered := make(chan error, 1)
	go func() {
		s, err := c.Generate(t.Context(), &r)
		if err == nil {
			defer s.Close()
			_, err = s.Next()
		}
		answered <- err
	}()
	until(`"id":"watched","model":"demo"`)
	if all, err := c.Requests(t.Context()); err != nil || len(all) != 1 || all[0].ID != "watched" {
		t.Errorf("the list: %+v, %v", all, err)
	}
	close(going)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	until(`{"requests":[]}`)
}

func TestStopAnswersWithWhatEnded(t *testing.T) {
	b := &gatewaytest.Backend{Rows: []*messages.WorkerState{{Address: "queen.1~hive-a.1~worker-0.1", ModelRef: "demo"}}}
	c, h, _ := serve(t, b, gateway.Options{})
	s, err := c.Stop(t.Context(), &api.StopRequest{Target: "demo"})
	if err != nil || len(s.Workers) != 1 || s.Nodes == nil {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := c.Stop(t.Context(), &api.StopRequest{Target: "other"}); err == nil || fault.From(err).Code != fault.NotFound {
		t.Errorf("a target that does not run: %v", err)
	}
	for _, body := range []string{`{}`, `{"target":"a\nb"}`, `{"target":"a","grace_ms":-1}`, `{"target":7}`, `{"target":"a","x":1}`, `{"target":"a"} x`, ``} {
		resp, err := h.Post("http://queen/rbee/v1/stop", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", body, resp.Status)
		}
	}
}
