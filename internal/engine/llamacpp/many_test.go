package llamacpp_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"rbee/internal/engine"
)

// Requests come and go at random over few slots, some are cancelled in their prompt or their answer, many begin alike.
// Nothing of one shows in another.
func TestManyAnswersAreEachAsIfAlone(t *testing.T) {
	beginnings := []string{"", prompts["long"], "hello there, friend. ", strings.Repeat("count to ten: one two three. ", 12)}
	ends := []string{"hello world", "once upon a time", "the capital of france", "what is a worker?", "a small llama", "count to ten"}
	type ask struct {
		prompt string
		tokens int
	}
	var asks []ask
	for i, b := range beginnings {
		for j, e := range ends {
			asks = append(asks, ask{b + e, 20 + 10*i + 5*j})
		}
	}
	request := func(a ask) engine.Request {
		return engine.Request{Prompt: a.prompt, MaxTokens: a.tokens, IgnoreEOS: true}
	}
	want := make([]string, len(asks))
	for i, a := range asks {
		alone := load(t, engine.LoadOptions{Context: 512, Threads: 1})
		want[i] = generate(t, alone, request(a)).text
	}
	house := load(t, engine.LoadOptions{Context: 512, Slots: 4, Threads: 1})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	var all sync.WaitGroup
	var mu sync.Mutex
	cached := 0
	for round := range 4 {
		for _, i := range random.Perm(len(asks)) {
			cancelAt := -1
			if random.IntN(3) == 0 {
				cancelAt = random.IntN(12)
			}
			all.Go(func() {
				res, text, err := cancelled(house, request(asks[i]), cancelAt)
				if cancelAt >= 0 {
					if !errors.Is(err, context.Canceled) || !strings.HasPrefix(want[i], text) {
						t.Errorf("round %d, %q cancelled after %d events: %v, %q is not the beginning of %q", round, asks[i].prompt, cancelAt, err, text, want[i])
					}
				} else if err != nil || text != want[i] {
					t.Errorf("round %d, %q, %d tokens cached: %v, %q, want %q", round, asks[i].prompt, res.CachedTokens, err, text, want[i])
				}
				mu.Lock()
				cached += res.CachedTokens
				mu.Unlock()
			})
		}
	}
	all.Wait()
	if cached == 0 {
		t.Error("no prompt was taken from another request")
	}
}

// cancelled generates, and cancels after so many events; -1 = never.
func cancelled(m engine.Model, r engine.Request, after int) (res engine.Result, text string, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := 0
	if after == 0 {
		cancel()
	}
	res, err = m.Generate(ctx, r, func(e engine.Event) error {
		if e.Prefill == nil {
			text += e.Text
		}
		if events++; events == after {
			cancel()
		}
		return nil
	})
	if err == nil && res.CompletionTokens != r.MaxTokens {
		err = fmt.Errorf("%d of %d tokens", res.CompletionTokens, r.MaxTokens)
	}
	return res, text, err
}
