package treetest

import (
	"strings"
	"testing"

	"rbee/internal/api"
)

// givenUp waits for the failed row, which comes some time after the request was told.
func (d *daemon) givenUp() (ws []api.Worker) {
	soon(func() bool { ws = d.workers(); return len(ws) > 0 && ws[0].State == "failed" })
	return ws
}

// Three lives for the first request, three for the second; then the model is given up, and whoever asks hears why at once.
func TestTreeAModelThatKillsItsWorkersIsGivenUp(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=5,crash=prefill"})
	for i := range 2 {
		if f := d.post("hello", nil).end(); f.failed == nil || f.failed.Error.Code != "WORKER_CRASHED" {
			t.Fatalf("request %d: done %+v, failed %+v, said %q", i, f.done, f.failed, f.said)
		}
	}
	f := d.post("hello", nil).end()
	if f.failed == nil || f.failed.Error.Code != "WORKER_START_FAILED" || !strings.Contains(f.failed.Error.Message, "died 6 times") || f.failed.Error.Details["retry_after_s"] == nil {
		t.Errorf("status %d %s, failed %+v", f.status, f.body, f.failed)
	}
	if ws := d.givenUp(); len(ws) != 1 || ws[0].State != "failed" || !strings.Contains(ws[0].Reason, "died 6 times") || !strings.Contains(ws[0].Reason, "segmentation fault") {
		t.Errorf("the registry says %+v", ws)
	}
	d.stop(0)
}

// Who has mended what killed the workers need not wait for the model to be forgiven: stopping it clears the row.
func TestTreeStoppingAModelThatWasGivenUpLetsItBeTriedAgain(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=5,crash=prefill"})
	for range 3 {
		d.post("hello", nil).end()
	}
	if ws := d.givenUp(); len(ws) != 1 || ws[0].State != "failed" {
		t.Fatalf("the registry says %+v", d.workers())
	}
	if out := d.rbee(0, "stop", "demo"); !strings.Contains(out, "worker") {
		t.Errorf("it says %q", out)
	}
	if ws := d.workers(); len(ws) != 0 { // what was stopped is gone when the answer comes
		t.Errorf("after it the registry says %+v", ws)
	}
	if f := d.post("hello", nil).end(); f.failed == nil || f.failed.Error.Code != "WORKER_CRASHED" { // so there was one
		t.Errorf("done %+v, failed %+v, said %q", f.done, f.failed, f.said)
	}
	d.stop(0)
}
