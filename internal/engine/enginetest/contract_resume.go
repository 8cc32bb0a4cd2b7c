package enginetest

import (
	"context"
	"fmt"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// resumable is the requests whose answers must go on as they would have.
func resumable(full string) map[string]engine.Request {
	sampled := engine.Sampling{Temperature: 1, TopK: 40, TopP: 0.95, Seed: 5}
	byGrammar := func(s engine.Sampling) engine.Sampling {
		s.Grammar = jsonGrammar
		return s
	}
	return map[string]engine.Request{
		"plain":                   {Prompt: "hello world", MaxTokens: 24, IgnoreEOS: true},
		"to its own end":          {Prompt: "hello world"},
		"a stop string":           {Prompt: "hello world", MaxTokens: 24, IgnoreEOS: true, Stop: []string{full[len(full)-4:]}},
		"nearly a stop string":    {Prompt: "hello world", MaxTokens: 24, IgnoreEOS: true, Stop: []string{full[5:20] + "\x01", full[len(full)-9:] + "\x01"}},
		"penalties":               {Prompt: "hello world", MaxTokens: 24, IgnoreEOS: true, Sampling: engine.Sampling{RepeatPenalty: 1.5, FrequencyPenalty: 1}},
		"a grammar":               {Prompt: "hello world", MaxTokens: 24, Sampling: byGrammar(engine.Sampling{})},
		"drawn":                   {Prompt: "hello world", MaxTokens: 24, IgnoreEOS: true, Sampling: sampled},
		"drawn, narrow":           {Prompt: "hello world", MaxTokens: 24, IgnoreEOS: true, Sampling: engine.Sampling{Temperature: 1.5, TopP: 0.8, MinP: 0.2, RepeatPenalty: 1.2, Seed: 6}},
		"drawn by a grammar":      {Prompt: "hello world", MaxTokens: 24, Sampling: byGrammar(sampled)},
		"a chat of several turns": {Messages: []engine.Message{{Role: "user", Content: "hello"}, {Role: "assistant", Content: "hello there"}, {Role: "user", Content: "world"}}, MaxTokens: 24, IgnoreEOS: true},
	}
}

// resumedAnswers cuts answers after every token and goes on, on another model.
func resumedAnswers(t *testing.T, m, other engine.Model) {
	full := mustGenerate(t, m, hello(24)).text
	for name, r := range resumable(full) {
		whole := mustGenerate(t, m, r)
		made := 0 // tokens of a cut answer, and what was shown of them
		shown := ""
		for made <= len(whole.tokens) {
			if err := goesOn(other, r, whole, made, len(shown)); err != nil {
				t.Errorf("%s, cut after %d of %d tokens: %v", name, made, len(whole.tokens), err)
			}
			if half := len(shown) / 2; half > 0 && shown[:half] == string([]rune(shown[:half])) {
				if err := goesOn(other, r, whole, made, half); err != nil {
					t.Errorf("%s, cut after %d tokens, %d bytes sent: %v", name, made, half, err)
				}
			}
			if made < len(whole.pieces) {
				shown += whole.pieces[made]
			}
			made++
		}
	}
}

// goesOn resumes an answer and compares it with the whole.
func goesOn(m engine.Model, r engine.Request, whole answer, made, sent int) error {
	r.Resume = &engine.Resume{Tokens: whole.tokens[:made], SentBytes: sent}
	rest := generate(context.Background(), m, r, nil)
	if rest.err != nil {
		return rest.err
	}
	if got := whole.text[:sent] + rest.text; got != whole.text {
		return fmt.Errorf("%q, whole it was %q", got, whole.text)
	}
	if rest.result.CompletionTokens != whole.result.CompletionTokens || rest.result.FinishReason != whole.result.FinishReason || rest.result.PromptTokens != whole.result.PromptTokens {
		return fmt.Errorf("%+v, whole it was %+v", rest.result, whole.result)
	}
	if made < len(whole.tokens) && len(rest.tokens) != len(whole.tokens)-made {
		return fmt.Errorf("%d tokens more, want %d", len(rest.tokens), len(whole.tokens)-made)
	}
	return nil
}

func resumeIsChecked(t *testing.T, m engine.Model) {
	whole := mustGenerate(t, m, hello(8))
	for name, b := range map[string]engine.Resume{
		"more bytes than there are": {Tokens: whole.tokens[:2], SentBytes: len(whole.text) + 1},
		"negative bytes":            {Tokens: whole.tokens[:2], SentBytes: -1},
		"no such token":             {Tokens: []int32{int32(m.Info().Vocabulary)}},
	} {
		r := hello(8)
		r.Resume = &b
		if a := generate(context.Background(), m, r, nil); fault.CodeOf(a.err) != fault.InvalidRequest || a.text != "" {
			t.Errorf("%s: %v, %q", name, a.err, a.text)
		}
	}
	r := hello(8)
	r.Sampling.Grammar = `root ::= "\x01"`
	r.Resume = &engine.Resume{Tokens: whole.tokens[:2]}
	if a := generate(context.Background(), m, r, nil); fault.CodeOf(a.err) != fault.InvalidRequest {
		t.Errorf("tokens that do not fit the grammar: %v", a.err)
	}
}
