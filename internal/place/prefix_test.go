package place

import (
	"strings"
	"testing"

	"rbee/messages"
)

func chat(texts ...string) *messages.Generate {
	g := &messages.Generate{}
	for i, text := range texts {
		g.Messages = append(g.Messages, &messages.ChatMessage{Role: []string{"system", "user", "assistant"}[i%3], Content: text})
	}
	return g
}

// common counts the leading hashes that are equal.
func common(a, b []uint64) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func TestEqualBeginningsHaveEqualHashes(t *testing.T) {
	long := strings.Repeat("what everybody is told first, ", 100) // 3000 bytes
	for _, c := range []struct {
		name      string
		a, b      *messages.Generate
		low, high int
	}{
		{"the same", chat(long, "a"), chat(long, "a"), 11, 11},
		{"another question", chat(long, "a?"), chat(long, "b?"), 11, 11},
		{"the next turn of the same talk", chat(long, "a?", long), chat(long, "a?", long, "and b?"), 22, 24},
		{"another system prompt", chat("x"+long, "a"), chat(long, "a"), 0, 0},
		{"other tools", &messages.Generate{Chat: &messages.ChatOptions{ToolsJson: "[1]"}, Messages: chat(long).Messages}, chat(long), 0, 0},
		{"a difference in the middle", chat(long + "a" + long), chat(long + "b" + long), 11, 11},
		{"raw", &messages.Generate{Prompt: long + "a"}, &messages.Generate{Prompt: long + "b"}, 11, 11},
		{"tokens", &messages.Generate{PromptTokens: make([]int32, 129)}, &messages.Generate{PromptTokens: make([]int32, 200)}, 2, 2},
		{"too short for a block", chat("hello"), chat("hello"), 0, 0},
		{"very long", chat(strings.Repeat(long, 100)), chat(strings.Repeat(long, 100)), maxBlocks, maxBlocks},
	} {
		if n := common(Prefix(c.a), Prefix(c.b)); n < c.low || n > c.high {
			t.Errorf("%s: %d blocks in common, want %d to %d", c.name, n, c.low, c.high)
		}
	}
}

func TestAWorkerKnowsWhatItReadLately(t *testing.T) {
	var k Known
	if k.Match([]uint64{1}) != 0 {
		t.Error("it knows something from the start")
	}
	k.Add([]uint64{1, 2, 3})
	k.Add([]uint64{1, 2, 9})
	for want, p := range map[int][]uint64{3: {1, 2, 3}, 2: {1, 2, 4, 3}, 0: {4, 2}} {
		if n := k.Match(p); n != want {
			t.Errorf("%v matches %d, want %d", p, n, want)
		}
	}
	for i := range uint64(maxKnown - 1) {
		k.Add([]uint64{100 + i})
	}
	if k.Match([]uint64{1, 2, 9}) != 0 || len(k.in) > maxKnown || len(k.ring) != maxKnown {
		t.Errorf("%d remembered, %d in the ring", len(k.in), len(k.ring))
	}
	for h, n := range k.in {
		if n < 1 {
			t.Errorf("%d is kept without being in the ring", h)
		}
	}
}

func BenchmarkPrefix(b *testing.B) {
	g := chat(strings.Repeat("x", 4000), "hello")
	for b.Loop() {
		Prefix(g)
	}
}
