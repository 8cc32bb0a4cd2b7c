package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"rbee/internal/gguf"
)

// text is what a token prints.
func (v *vocabulary) text(t int) string {
	if v.kinds[t] == kindByte {
		return string([]byte{byte(t - firstByte)})
	}
	return strings.ReplaceAll(v.pieces[t], space, " ")
}

func TestBytesAreTheSameEverywhere(t *testing.T) {
	b := Bytes()
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != SHA256 || len(b) != Size {
		t.Errorf("%d bytes with digest %s; the constants say %d, %s (a new file also needs a new number in title)", len(b), got, Size, SHA256)
	}
}

func TestFilePassesTheHeaderCheck(t *testing.T) {
	b := Bytes()
	h, err := gguf.Parse(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if !IsCurrent(h) || h.Context != Context || h.Layers != 1 || h.KVHeads != 1 || h.ChatTemplate == "" {
		t.Errorf("%+v", h)
	}
}

// chat is a message as the template wraps it.
func (v *vocabulary) chat(message string) []int {
	tokens := append([]int{begin, v.index[turnStart]}, v.read(" user\n"+message)...)
	tokens = append(tokens, v.index[turnEnd])
	tokens = append(tokens, v.read(" \n")...)
	return append(append(tokens, v.index[turnStart]), v.read(" assistant\n")...)
}

// read is what an engine makes of a text: the longest pieces from the left, bytes where there is no piece.
func (v *vocabulary) read(s string) (tokens []int) {
	s = strings.ReplaceAll(s, " ", space)
	for s != "" {
		n := len(s)
		for ; n > 0; n-- {
			if id, ok := v.index[s[:n]]; ok && v.kinds[id] == kindNormal {
				tokens = append(tokens, id)
				break
			}
		}
		if n == 0 {
			tokens = append(tokens, firstByte+int(s[0]))
			n = 1
		}
		s = s[n:]
	}
	return tokens
}

func TestAChatIsAnsweredByItsTopic(t *testing.T) {
	n := newNetwork()
	for message, answer := range map[string]int{
		"what is rust?": 0, "hello world": 1, "tell me a story about a bee": 2, "write a haiku": 3, "tell me a joke": 4,
		"Count to ten": 5, "what does the queen do?": 6, "what is a hive?": 7, "What is a worker?": 8, "bees?": 9,
		"who are you": 10, "what is the capital of france?": 11,
	} {
		lead := math.Inf(1)
		got := n.say(n.m.vocabulary.chat(message), func(logits []float64) int {
			best := greedy(logits)
			for t, l := range logits {
				if t != best {
					lead = min(lead, logits[best]-l)
				}
			}
			return best
		})
		if got != texts[answer].words {
			t.Errorf("%q: %q", message, got)
		}
		if lead < 0.5 { // engines round: in 16 bits, in blocks, in another order
			t.Errorf("%q: somewhere the first choice leads by %.3f only", message, lead)
		}
	}
}

func TestWhoIgnoresTheEndGetsAnotherText(t *testing.T) {
	n := newNetwork()
	v := n.m.vocabulary
	n.say(v.chat("write a haiku"), greedy)
	var more string
	for token := end; len(more) < 1000; {
		if token = greedy(n.next(token)); token != end {
			more += v.text(token)
		}
	}
	if !strings.Contains(more, texts[6].words+" The") {
		t.Errorf("after the end comes %q", more)
	}
}

func TestARawPromptIsContinued(t *testing.T) {
	n := newNetwork()
	for prompt, want := range map[string]string{
		"hello world":         texts[1].words,
		"once upon a time":    texts[2].words,
		"the quick brown fox": texts[13].words,
		"a worker":            texts[8].words,
	} {
		got := n.say(append([]int{begin}, n.m.vocabulary.read(" "+prompt)...), greedy)
		if !strings.EqualFold(prompt+got, want) {
			t.Errorf("%q: %q", prompt, got)
		}
	}
}

func TestTemperatureVariesTheAnswer(t *testing.T) {
	n := newNetwork()
	prompt := n.m.vocabulary.chat("tell me a story")
	answers := map[string]bool{}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 0))
		answer := n.say(prompt, func(logits []float64) int { return sample(logits, 1.2, r.Float64()) })
		if strings.Contains(answer, "no end") || len(answer) < 20 {
			t.Errorf("seed %d: %q", seed, answer)
		}
		answers[answer] = true
	}
	if len(answers) < 3 {
		t.Errorf("4 seeds gave only %d answers", len(answers))
	}
}

// sample draws from the softmax at a temperature; u is uniform.
func sample(logits []float64, temperature, u float64) int {
	top := logits[greedy(logits)]
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp((l - top) / temperature)
	}
	for t, l := range logits {
		if u -= math.Exp((l-top)/temperature) / sum; u < 0 {
			return t
		}
	}
	return end
}

func TestOneTextIsLong(t *testing.T) {
	v := newVocabulary()
	longest, bee := 0, false
	for _, x := range texts {
		longest = max(longest, len(v.encode(x.words)))
		bee = bee || strings.Contains(x.words, "🐝") // four tokens, one character
	}
	if longest < 60 || !bee {
		t.Errorf("the longest text has %d tokens; a character of several tokens: %v", longest, bee)
	}
}

func BenchmarkBytes(b *testing.B) {
	for b.Loop() {
		Bytes()
	}
}
