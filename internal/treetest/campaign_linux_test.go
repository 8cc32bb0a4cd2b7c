package treetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"rbee/internal/api"
)

// workers is what the daemon says of them.
func (d *daemon) workers() []api.Worker {
	d.t.Helper()
	resp, err := d.client().Get("http://queen/rbee/v1/workers")
	if err != nil {
		d.t.Error(err)
		return nil
	}
	defer resp.Body.Close()
	var all api.Workers
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		d.t.Error(err)
	}
	return all.Workers
}

// strike sends a signal to a worker that answers, as soon as there is one.
func (d *daemon) strike(sig syscall.Signal) bool {
	return soon(func() bool {
		for _, w := range d.workers() {
			if w.State == "busy" && syscall.Kill(int(w.PID), sig) == nil {
				return true
			}
		}
		return false
	})
}

const (
	campaignClients = 32
	campaignTokens  = 400
	// A hive gives a model up after five deaths in five minutes; a daemon is struck no more often than it can take.
	campaignStrikes = 4
)

// Killing workers at random under 32 streaming clients loses and alters nothing. One round here, many in make faults.
func TestFaultKillingWorkersLosesAndAltersNothing(t *testing.T) {
	t.Parallel()
	rounds := 1
	if os.Getenv("RBEE_FAULTS") == "full" {
		rounds = 10
	}
	prompts := []string{"hello world", "the tree", "what does a queen do", "tell me of the hive"}
	ask := func(d *daemon, i int) *flow {
		return d.post(prompts[i%len(prompts)], map[string]any{"max_tokens": campaignTokens, "ignore_eos": true})
	}
	calm := startDaemon(t, real, []string{"RBEE_LEASE="})
	want := map[int]string{}
	for i := range prompts {
		f := ask(calm, i).end()
		if want[i] = f.text.String(); f.done == nil || f.done.Usage.CompletionTokens != campaignTokens || len(want[i]) < campaignTokens {
			t.Fatalf("undisturbed: %q, %+v, %+v", want[i], f.done, f.failed)
		}
	}
	calm.stop(0)
	for round := range rounds {
		seed := rand.Uint64()
		t.Logf("round %d: seed %d", round, seed)
		campaign(t, rand.New(rand.NewPCG(seed, 0)), want, ask)
	}
}

func campaign(t *testing.T, chance *rand.Rand, want map[int]string, ask func(*daemon, int) *flow) {
	d := startDaemon(t, real, []string{"RBEE_LEASE="})
	defer d.stop(0)
	var bytes, continued atomic.Int64 // of all clients; the first is the clock of the campaign
	news := make(chan struct{}, 1)
	var clients sync.WaitGroup
	total := int64(0)
	for i := range campaignClients {
		total += int64(len(want[i%len(want)]))
		clients.Go(func() {
			f := ask(d, i)
			for more, before := true, 0; more; before = f.text.Len() {
				more = f.until(func() bool { return f.text.Len() > before })
				bytes.Add(int64(f.text.Len() - before))
				select {
				case news <- struct{}{}:
				default:
				}
			}
			if f.done == nil {
				t.Errorf("client %d: status %d %s, failed %+v, said %q", i, f.status, f.body, f.failed, f.said)
				return
			}
			continued.Add(f.done.Continued)
			if got := f.text.String(); got != want[i%len(want)] || f.done.Usage.CompletionTokens != campaignTokens {
				t.Errorf("client %d, continued %d times: %s", i, f.done.Continued, firstDifference(got, want[i%len(want)]))
			}
		})
	}
	over := make(chan struct{})
	go func() { clients.Wait(); close(over) }()
	for n := range int64(campaignStrikes) { // somewhere in its part of the whole
		at := total * 9 / 10 * n / campaignStrikes
		at += chance.Int64N(total * 9 / 10 / campaignStrikes)
		for ended := false; bytes.Load() < at && !ended; {
			select {
			case <-news:
			case <-over:
				ended = true
				t.Errorf("all was over at %d of %d bytes, before strike %d", bytes.Load(), total, n)
			}
		}
		if !d.strike(syscall.SIGKILL) {
			t.Error("there was nobody to strike")
		}
	}
	<-over
	if continued.Load() == 0 {
		t.Error("no answer went on: nothing was tested")
	}
	t.Logf("%d answers of %d tokens, %d workers killed, %d times an answer went on with another", campaignClients, campaignTokens, campaignStrikes, continued.Load())
}

func firstDifference(got, want string) string {
	n := 0
	for n < min(len(got), len(want)) && got[n] == want[n] {
		n++
	}
	return fmt.Sprintf("%d bytes of %d, different from byte %d: %.40q, want %.40q", len(got), len(want), n, got[n:], want[n:])
}

// A worker that is frozen in the middle of an answer is replaced like one that died.
func TestFaultAFrozenWorkersAnswerGoesOn(t *testing.T) {
	t.Parallel()
	ask := map[string]any{"max_tokens": 1500, "ignore_eos": true}
	d := startDaemon(t, real, []string{"RBEE_LEASE="}, "--stall", "1s")
	want := d.post("hello world", ask).end().text.String()
	f := d.post("hello world", ask)
	if !f.until(func() bool { return f.text.Len() > 0 }) || !d.strike(syscall.SIGSTOP) {
		t.Fatal("there was nobody to freeze")
	}
	if f.end(); f.done == nil || f.done.Continued != 1 || f.done.Usage.CompletionTokens != 1500 || f.text.String() != want {
		t.Errorf("%s, done %+v, failed %+v", firstDifference(f.text.String(), want), f.done, f.failed)
	}
	d.stop(0)
}
