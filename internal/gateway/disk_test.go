package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
)

func TestDiskRequestGoesDownAndItsRowsComeUp(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Say("rbee-hive", "load", "downloading")
		s.Told([]byte(`{"model":"demo"}`), []byte("rubbish"), []byte(`["not an object"]`), nil, []byte("{\"a\":\n1}"))
	}}
	c, _, _ := serve(t, b, gateway.Options{})
	slots := int64(3)
	s, err := c.Disk(context.Background(), &api.DiskRequest{Do: "info", Model: "demo", Node: "mac", Cwd: "/here", Slots: &slots})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e, err := s.Next(); err != nil || e.Narration == nil || e.Narration.Text != "downloading" {
		t.Fatalf("%+v %v", e, err)
	}
	e, err := s.Next()
	if err != nil || e.Done == nil || e.Done.Disk == nil || e.Done.Disk.Node != "mac" {
		t.Fatalf("%+v %v", e, err)
	}
	var rows []string
	for _, r := range e.Done.Disk.Rows {
		rows = append(rows, string(r))
	}
	if want := []string{`{"model":"demo"}`, `{"a":1}`}; !slices.Equal(rows, want) {
		t.Errorf("rows %q, want %q", rows, want)
	}
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	g := b.Requests()[0]
	if g.GetDisk().GetVerb() != "info" || g.GetDisk().GetSlots() != 3 || g.GetModel().GetRef() != "demo" || g.GetModel().GetCwd() != "/here" || g.GetNode() != "mac" || g.GetId() == "" {
		t.Errorf("went down as %v", g)
	}
}

func TestDiskRequestIsCheckedFieldByField(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Told() }}
	_, h, _ := serve(t, b, gateway.Options{})
	for body, says := range map[string]string{
		`{}`:                                  `do is empty`,
		`{"do":"burn"}`:                       `allowed is pull, ls, info, verify, rm, du`,
		`{"do":"pull"}`:                       `model is empty`,
		`{"do":"ls","model":"x"}`:             `nothing with ls`,
		`{"do":"du","node":"a,b"}`:            `one node`,
		`{"do":"du","node":"any"}`:            `one node`,
		`{"do":"ls","push":true}`:             `push is given, allowed is nothing but with pull`,
		`{"do":"ls","context":5}`:             `context is given`,
		`{"do":"ls","surprise":1}`:            `there is no field`,
		`{"do":"info","model":"x","slots":0}`: `slots is 0`,
		`{"do":"ls","cwd":"x"}`:               `an absolute path`,
	} {
		resp, err := h.Post("http://queen/rbee/v1/models", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), string(fault.InvalidRequest)) || !strings.Contains(string(text), says) {
			t.Errorf("%s: %s %s, want %q", body, resp.Status, text, says)
		}
	}
	if n := len(b.Requests()); n > 0 {
		t.Errorf("%d requests went down", n)
	}
}

func TestResolveNamesTheNodesOfAList(t *testing.T) {
	c, _, _ := serve(t, &gatewaytest.Backend{}, gateway.Options{})
	if nodes, err := c.Resolve(context.Background(), "any"); err != nil || !slices.Equal(nodes, []string{"localhost", "h1"}) {
		t.Errorf("any: %v %v", nodes, err)
	}
	if _, err := c.Resolve(context.Background(), "a,,b"); fault.CodeOf(err) != fault.InvalidRequest {
		t.Errorf("a list with a hole: %v", err)
	}
}

// A key opens the way to answers. Whoever has one does not delete models, nor have files of the queen's machine sent.
func TestAKeyDoesNotLookAfterModels(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Told() }}
	h := gateway.Handler(b, gateway.Options{})
	for path, body := range map[string]string{
		"/rbee/v1/models":   `{"do":"rm","model":"x"}`,
		"/rbee/v1/generate": `{"model":"/home/u/private.gguf","prompt":"hi","node":"mac","push":true}`,
		"/rbee/v1/plan":     `{"model":"/home/u/private.gguf","prompt":"hi","node":"mac","push":true}`,
	} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(gateway.WithCaller(r.Context(), gateway.Caller{Tenant: "laptop"})))
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "the key laptop") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if n := len(b.Requests()); n > 0 {
		t.Errorf("%d requests went down", n)
	}
}
