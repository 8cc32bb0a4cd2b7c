package llamacpp

import (
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// Where the kernel promises memory that it has not, making the embedder's context would end the worker later.
func TestEmbeddingsThatDoNotFitFailAloneAndLeaveTheAnswers(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 512, Slots: 2})
	want := play(m, []*sequence{seat(t, m, longPrompt, 20)}, func() {})[0]
	ask := func() error {
		j := &embedding{inputs: [][]llama.Token{{5, 6, 7}}, done: make(chan error, 1)}
		m.embedder.now = j
		for m.embedder.now != nil {
			m.embed()
		}
		return <-j.done
	}
	spareMemory = func() int64 { return 100_000 }
	defer func() { spareMemory = availableMemory }()
	if err := ask(); fault.CodeOf(err) != fault.InsufficientMemory || m.embedder.context != 0 {
		t.Errorf("%v", err)
	}
	if got := play(m, []*sequence{seat(t, m, longPrompt, 20)}, func() {})[0]; got != want {
		t.Errorf("%q after that, %q before", got, want)
	}
	for _, spare := range []int64{0, 100 << 20} { // 0: nobody knows
		spareMemory = func() int64 { return spare }
		if err := ask(); err != nil {
			t.Errorf("with %d bytes left: %v", spare, err)
		}
	}
}
