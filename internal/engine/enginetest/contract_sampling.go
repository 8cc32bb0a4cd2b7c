package enginetest

import (
	"bytes"
	"context"
	"math"
	"regexp"
	"strings"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/engine/grammar"
	"rbee/internal/fault"
)

func promptOfTokens(t *testing.T, m engine.Model) {
	r := hello(6)
	r.Prompt, r.Tokens = "", []int32{1, 5, 7, 5}
	a, b := mustGenerate(t, m, r), mustGenerate(t, m, r)
	if a.result.PromptTokens != 4 || a.text != b.text || len(a.tokens) != 6 {
		t.Errorf("%+v, %q and %q", a.result, a.text, b.text)
	}
	for _, id := range []int32{-1, int32(m.Info().Vocabulary)} {
		r.Tokens = []int32{1, id}
		if a := generate(context.Background(), m, r, nil); fault.CodeOf(a.err) != fault.InvalidRequest {
			t.Errorf("token %d: %v", id, a.err)
		}
	}
}

func samplingIsChecked(t *testing.T, m engine.Model) {
	over, under := 101, -1
	for _, s := range []engine.Sampling{
		{TopP: 1.1}, {MinP: -0.1}, {TopK: -1}, {RepeatPenalty: 11}, {PresencePenalty: 2.1}, {FrequencyPenalty: -2.1}, {RepeatLastN: -2},
		{PresencePenalty: math.NaN()}, {TopLogprobs: &over}, {TopLogprobs: &under},
		{LogitBias: map[int32]float32{-1: 1}}, {LogitBias: map[int32]float32{int32(m.Info().Vocabulary): 1}},
		{Grammar: "root ::= nobody"}, {Grammar: "root ::= [a"}, {Grammar: "root ::= root \"a\""},
		{Grammar: "root ::= " + strings.Repeat("(", 10_000)}, {Grammar: "root ::= \"a\"{9999999}"}, {Grammar: "r ::= \"a\""},
	} {
		r := hello(4)
		r.Sampling = s
		a := generate(context.Background(), m, r, nil)
		if fault.CodeOf(a.err) != fault.InvalidRequest || len(a.tokens) > 0 {
			t.Errorf("%+v: %v", s, a.err)
		}
	}
	for _, s := range []engine.Sampling{
		{PresencePenalty: 2, FrequencyPenalty: -2, RepeatLastN: -1, RepeatPenalty: 1.5}, {RepeatLastN: 1 << 20, RepeatPenalty: 1.1},
		{Temperature: 1, TopK: 1, TopP: 1, MinP: 1},
	} {
		r := hello(4)
		r.Sampling = s
		if a := mustGenerate(t, m, r); len(a.tokens) != 4 {
			t.Errorf("%+v: %+v", s, a.result)
		}
	}
}

func forbiddenTokensAreNotPicked(t *testing.T, m engine.Model) {
	full := mustGenerate(t, m, hello(8))
	r := hello(8)
	r.Sampling.LogitBias = map[int32]float32{full.tokens[0]: -100, full.tokens[3]: float32(math.Inf(-1))}
	a := mustGenerate(t, m, r)
	for _, id := range a.tokens {
		if id == full.tokens[0] || id == full.tokens[3] {
			t.Errorf("token %d was forbidden: %d", id, a.tokens)
		}
	}
}

func logprobsAreOfTheTokens(t *testing.T, m engine.Model) {
	plain := mustGenerate(t, m, hello(12))
	for _, top := range []int{0, 3} {
		r := hello(12)
		r.Sampling.TopLogprobs = &top
		var text []byte
		var tokens []int32
		_, err := m.Generate(context.Background(), r, func(e engine.Event) error {
			if e.Prefill != nil || e.Token == engine.NoToken {
				if e.Logprob != nil {
					t.Error("a log probability of no token")
				}
				return nil
			}
			l := e.Logprob
			if l == nil || l.Token != e.Token || !(l.Logprob <= 0) || len(l.Top) != top {
				t.Fatalf("token %d: %+v", e.Token, l)
			}
			text, tokens = append(text, l.Bytes...), append(tokens, e.Token)
			sum := 0.0
			for i, o := range l.Top {
				sum += math.Exp(o.Logprob)
				if len(o.Top) > 0 || i > 0 && o.Logprob > l.Top[i-1].Logprob {
					t.Errorf("token %d: %+v", e.Token, l.Top)
				}
			}
			if top > 0 && (sum > 1.0001 || math.Abs(l.Top[0].Logprob-l.Logprob) > 1e-6) {
				t.Errorf("token %d of probability %g was picked at temperature 0; the best are %+v", e.Token, math.Exp(l.Logprob), l.Top)
			}
			return nil
		})
		if err != nil || !bytes.Equal(text, []byte(plain.text)) || len(tokens) != 12 {
			t.Errorf("%v: %q, want %q", err, text, plain.text)
		}
	}
}

const jsonGrammar = `
root   ::= object
value  ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ( string ":" value ("," string ":" value){0,3} )? "}"
array  ::= "[" ( value ("," value){0,3} )? "]"
string ::= "\"" [a-z ]{0,8} "\""
number ::= "-"? [1-9] [0-9]{0,3}
`

func answersFollowTheirGrammar(t *testing.T, m engine.Model) {
	for _, c := range []struct{ grammar, form string }{
		{`root ::= ("yes" | "no") " " [0-9]{3}`, `^(yes|no) [0-9]{3}$`},
		{`root ::= "a" | "abc" | "hello"`, `^(a|abc|hello)$`},
		{`root ::= "x"{20}`, `^x{20}$`},
		{`root ::= [^a-z]{1,30} "."`, `^[^a-z]{1,30}\.$`},
	} {
		for seed := range uint32(4) {
			for _, ignore := range []bool{false, true} {
				r := hello(0)
				r.IgnoreEOS = ignore
				r.Sampling = engine.Sampling{Grammar: c.grammar, Seed: seed}
				if seed > 0 {
					r.Sampling.Temperature, r.Sampling.TopK, r.Sampling.TopP = 1.5, 40, 0.95
				}
				a := mustGenerate(t, m, r)
				if !regexp.MustCompile(c.form).MatchString(a.text) || a.result.FinishReason != engine.FinishStop {
					t.Errorf("%s, seed %d: %q, %s", c.grammar, seed, a.text, a.result.FinishReason)
				}
			}
		}
	}
	g, err := grammar.New(jsonGrammar)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 60; n += 7 {
		r := hello(n)
		r.Sampling.Grammar = jsonGrammar
		a := mustGenerate(t, m, r)
		s, err := g.Start()
		if err == nil {
			s, err = g.Advance(s, []byte(a.text))
		}
		if whole := a.result.FinishReason == engine.FinishStop; err != nil || s.Over() && !s.Complete() || whole != s.Complete() && whole {
			t.Errorf("%d tokens, %s: %q", n, a.result.FinishReason, a.text)
		}
	}
}

func promptsAreCached(t *testing.T, m engine.Model) {
	r := hello(20)
	r.Prompt = strings.Repeat("once upon a time there was a small llama ", 10)
	first, second := mustGenerate(t, m, r), mustGenerate(t, m, r)
	if first.result.CachedTokens != 0 || second.text != first.text {
		t.Errorf("%+v, then %q, want %q", first.result, second.text, first.text)
	}
	if c := second.result.CachedTokens; c < second.result.PromptTokens/2 || c >= second.result.PromptTokens {
		t.Errorf("%d of %d prompt tokens were not computed again", c, second.result.PromptTokens)
	}
	if p := second.prefill; len(p) == 0 || p[len(p)-1].Done != second.result.PromptTokens {
		t.Errorf("prefill %v", p)
	}
}

func embeddings(t *testing.T, m engine.Model) {
	ctx := context.Background()
	in := []engine.Input{{Text: "hello world"}, {Text: "once upon a time"}, {Tokens: []int32{1, 5, 7}}}
	all, err := m.Embed(ctx, in)
	if err != nil || len(all) != 3 || all[2].Tokens != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	for i, e := range all {
		alone, err := m.Embed(ctx, in[i:i+1])
		if err != nil || len(e.Values) != m.Info().EmbeddingLength || e.Tokens < 2 || len(e.Values) == 0 {
			t.Fatalf("%d numbers of %d tokens, %v", len(e.Values), e.Tokens, err)
		}
		for j, v := range e.Values {
			if math.Abs(float64(v-alone[0].Values[j])) > 1e-4*(1+math.Abs(float64(v))) {
				t.Fatalf("input %d, number %d: %g among others, %g alone", i, j, v, alone[0].Values[j])
			}
		}
	}
	for name, c := range map[string]struct {
		in   engine.Input
		code fault.Code
	}{
		"empty":    {engine.Input{}, fault.InvalidRequest},
		"a token":  {engine.Input{Tokens: []int32{-1}}, fault.InvalidRequest},
		"too long": {engine.Input{Text: strings.Repeat("hello world ", 300)}, fault.ContextOverflow},
	} {
		_, err := m.Embed(ctx, append([]engine.Input{{Text: "good"}}, c.in))
		if fault.CodeOf(err) != c.code || c.code == fault.ContextOverflow && !strings.Contains(err.Error(), "256") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := m.Embed(ctx, nil); err != nil || len(all) != 0 {
		t.Errorf("nothing: %v, %v", all, err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := m.Embed(done, in); err == nil {
		t.Error("a context that is done already makes embeddings")
	}
	mustGenerate(t, m, hello(4))
}
