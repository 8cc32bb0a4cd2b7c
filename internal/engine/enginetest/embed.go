package enginetest

import (
	"context"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

const embeddingLength = 8

// Embed implements engine.Model: the vector of a text is the average of what each of its words is hashed to, and takes
// as long as to read it as a prompt.
func (m *fakeModel) Embed(ctx context.Context, inputs []engine.Input) ([]engine.Embedding, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []engine.Embedding
	for i, in := range inputs {
		words := strings.Fields(in.Text)
		for _, t := range in.Tokens {
			if err := m.checkTokens("input", t); err != nil {
				return nil, err
			}
			words = append(words, string(rune(t)))
		}
		if len(words) == 0 {
			return nil, fault.New(fault.InvalidRequest, "input %d is empty", i).With("field", "input")
		}
		if len(words) > m.info.Context {
			return nil, fault.New(fault.ContextOverflow, "input %d has %d tokens, the context holds %d", i, len(words), m.info.Context)
		}
		if err := pause(ctx, time.Duration(len(words))*m.script.Prefill); err != nil {
			return nil, err
		}
		e := engine.Embedding{Values: make([]float32, embeddingLength), Tokens: len(words)}
		for _, w := range words {
			h := fnv.New64a()
			h.Write([]byte(w))
			for i := range e.Values {
				e.Values[i] += (float32(h.Sum64()>>(8*i)&0xff) - 128) / float32(len(words))
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// promptCache knows the words of the last prompt. To take them costs as much time as to compute them: tests that slow
// down a prefill want it slow every time.
type promptCache struct {
	sync.Mutex
	words []string
}

// take returns how many tokens of r's prompt are known, and knows r's from now on. The last is never.
func (c *promptCache) take(r engine.Request) int {
	words := strings.Fields(r.Prompt)
	for _, m := range r.Messages {
		words = append(append(words, m.Role), strings.Fields(m.Content)...)
	}
	for _, t := range r.Tokens {
		words = append(words, string(rune(t)))
	}
	c.Lock()
	defer c.Unlock()
	n := 0
	for n < min(len(words)-1, len(c.words)) && words[n] == c.words[n] {
		n++
	}
	c.words = words
	return n
}
