package treetest

import (
	"strings"
	"testing"

	"rbee/internal/api"
	"rbee/internal/fault"
)

// What a person stops is gone when the answer comes, and comes back when it is asked for.
func TestTreeDaemonStopsWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, real, nil)
	client := api.DialUnix(d.socket)
	defer client.CloseIdleConnections()
	c := api.NewClient(client)
	for _, target := range []string{"demo", "worker-0.2", "localhost/worker-0.3", "model:demo", "localhost"} {
		d.ask(0, greeting)
		s, err := c.Stop(t.Context(), &api.StopRequest{Target: target})
		if err != nil || len(s.Workers) != 1 || (target == "localhost") != (len(s.Nodes) == 1) {
			t.Fatalf("%s: %+v, %v", target, s, err)
		}
		ws, err := c.Workers(t.Context())
		ns, _ := c.Nodes(t.Context())
		if err != nil || len(ws) != 0 || len(ns) != 1-len(s.Nodes) {
			t.Fatalf("after %s there are workers %+v and nodes %+v (%v)", target, ws, ns, err)
		}
	}
	d.ask(0, greeting)
	if _, err := c.Stop(t.Context(), &api.StopRequest{Target: "nobody"}); err == nil || fault.From(err).Code != fault.NotFound ||
		!strings.Contains(fault.From(err).Hint, "model demo") {
		t.Errorf("a target that does not run: %v", err)
	}
	d.stop(0)
}

func TestTreeDaemonCancelsWhatAStoppedWorkerWasAnswering(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=100000,rate=200"})
	client := api.DialUnix(d.socket)
	defer client.CloseIdleConnections()
	c := api.NewClient(client)
	s, err := c.Generate(t.Context(), &api.GenerateRequest{ID: "long", Model: "demo", Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for stopped := false; ; {
		e, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == api.KindToken && !stopped {
			stopped = true
			all, err := c.Requests(t.Context())
			if err != nil || len(all) != 1 || all[0].State != "decoding" || all[0].Tokens == 0 || all[0].Node != "localhost" || all[0].Worker == "" {
				t.Errorf("the request while it is answered: %+v, %v", all, err)
			}
			if _, err := c.Stop(t.Context(), &api.StopRequest{Target: "demo"}); err != nil {
				t.Fatal(err)
			}
		}
		if e.Terminal() {
			if e.Error == nil || e.Error.Error.Code != fault.Cancelled {
				t.Errorf("ended with %+v", e)
			}
			break
		}
	}
	d.stop(0)
}
