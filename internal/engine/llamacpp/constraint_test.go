package llamacpp

import (
	"math"
	"slices"
	"testing"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
)

// nativeAllowed asks llama.cpp's own matcher what may follow the tokens.
func nativeAllowed(m *model, grammar string, after []llama.Token) []llama.Token {
	s := llama.SamplerInitGrammar(m.vocab, grammar, "root")
	defer llama.SamplerFree(s)
	for _, t := range after {
		llama.SamplerAccept(s, t)
	}
	c := make([]llama.TokenData, m.info.Vocabulary)
	for t := range c {
		c[t].Id = llama.Token(t)
	}
	llama.SamplerApply(s, &llama.TokenDataArray{Data: &c[0], Size: uint64(len(c)), Selected: -1})
	var allowed []llama.Token
	for _, d := range c {
		p, _ := m.pieceOf(d.Id, nil)
		if len(p) == 0 && !llama.VocabIsEOG(m.vocab, d.Id) {
			continue // nobody sees its text
		}
		if len(p) == 1 && p[0] >= 0xf5 {
			continue // a byte that no text has; llama.cpp takes it for the beginning of a character
		}
		if !math.IsInf(float64(d.Logit), -1) {
			allowed = append(allowed, d.Id)
		}
	}
	slices.Sort(allowed)
	return allowed
}

func TestWhatAGrammarAllowsIsWhatLlamaCppWouldAllow(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 256})
	for _, text := range []string{
		`root ::= "yes" | "no" | "yellow"`,
		`root ::= ([a-z]{2,5} " "?){3} "."`,
		`root ::= [^a-y\n]+`,
		`root ::= "žluť" [蜂-🐝]? .*`,
		"root ::= object\nvalue ::= object | string | number\nobject ::= \"{\" (string \":\" value (\",\" string \":\" value)*)? \"}\"\n" +
			"string ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f] | \"\\\\\" [\"\\\\/bfnrt])* \"\\\"\"\nnumber ::= \"-\"? [0-9]+ (\".\" [0-9]+)?",
		"root ::= \"(\" root \")\" | \"a\" root? | [0-9]+",
	} {
		c, err := m.constrain(engine.Request{Sampling: engine.Sampling{Grammar: text}})
		if err != nil {
			t.Fatal(err)
		}
		var after []llama.Token
		for n := range 24 {
			ours, err := c.allowed(m, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(ours)
			native := nativeAllowed(m, text, after)
			if !slices.Equal(ours, native) {
				t.Fatalf("%s\nafter %d: %d tokens, llama.cpp allows %d\n%v\n%v", text, after, len(ours), len(native), ours, native)
			}
			next := native[n*31%len(native)]
			if llama.VocabIsEOG(m.vocab, next) {
				break
			}
			if ok, err := c.fits(m, next); !ok || err != nil {
				t.Fatalf("%s\ntoken %d is allowed and does not fit: %v", text, next, err)
			}
			after = append(after, next)
			if err := c.accept(m, next); err != nil {
				t.Fatal(err)
			}
			if c.over() {
				break
			}
		}
		if len(after) == 0 {
			t.Errorf("%s: nothing was tried", text)
		}
	}
}

func TestLogProbabilities(t *testing.T) {
	inf := float32(math.Inf(-1))
	logits := []float32{1, 3, inf, 2, 3, -80}
	if got := largest(logits, 4); !slices.Equal(got, []llama.Token{1, 4, 3, 0}) {
		t.Errorf("%d", got)
	}
	if got := largest(logits, 9); len(got) != 5 {
		t.Errorf("%d: one is forbidden", got)
	}
	if got := largest(logits, 0); len(got) != 0 {
		t.Errorf("%d", got)
	}
	want := math.Log(math.Exp(1) + 2*math.Exp(3) + math.Exp(2) + math.Exp(-80))
	if got := logSum(logits); math.Abs(got-want) > 1e-9 {
		t.Errorf("%g, want %g", got, want)
	}
}

func TestAControlTokenIsSilentUnlessItMarksAToolCall(t *testing.T) {
	m := openModel(t, engine.LoadOptions{Context: 256})
	const mark = "<|im_start|>"
	id := llama.Tokenize(m.vocab, mark, false, true)[0]
	if p, _ := m.pieceOf(id, nil); len(p) > 0 || len(m.markers) > 0 {
		t.Errorf("a control token is shown: %q, markers %v", p, m.markers)
	}
	m.markers = findMarkers(m.vocab, []string{mark, "hello world"})
	if p, _ := m.pieceOf(id, nil); string(p) != mark || len(m.markers) != 1 {
		t.Errorf("a marker is %q, markers %v", p, m.markers)
	}
}
