package openai

import (
	"strconv"

	"rbee/internal/api"
)

// CompletionRequest is the body of POST /v1/completions.
type CompletionRequest struct {
	Common
	Prompt         Prompts         `json:"prompt"`
	Logprobs       *int64          `json:"logprobs"`
	Echo           *bool           `json:"echo"`
	BestOf         *int64          `json:"best_of"`
	Suffix         *string         `json:"suffix"`
	ResponseFormat *ResponseFormat `json:"response_format"` // vLLM's
}

// maxTokenLogprobs is how many alternatives the older interface gives of each token.
const maxTokenLogprobs = 5

func (r *CompletionRequest) check() *Problem {
	if p := first(
		r.Common.check(),
		r.Prompt.check("prompt", maxChoices),
		whole("max_tokens", r.MaxTokens, 0, api.MaxTokens),
		whole("logprobs", r.Logprobs, 0, maxTokenLogprobs),
		whole("best_of", r.BestOf, 1, maxChoices),
		r.checkEcho(),
	); p != nil {
		return p
	}
	if or(r.Suffix, "") != "" {
		return unsupported("suffix", "text is written at the end, not in between", "use a model's own fill-in-the-middle words in prompt")
	}
	switch n := or(r.N, 1); {
	case r.BestOf != nil && *r.BestOf < n:
		return wrong("best_of", "integer_below_min_value", strconv.FormatInt(*r.BestOf, 10), "n or more")
	case r.BestOf != nil && *r.BestOf > n && r.Streams():
		return wrong("best_of", codeValue, strconv.FormatInt(*r.BestOf, 10), "n when the answer is streamed")
	case int64(len(r.Prompt))*r.Tries() > maxChoices:
		return wrong("n", "integer_above_max_value", strconv.FormatInt(r.Tries(), 10)+" for each of "+strconv.Itoa(len(r.Prompt))+" prompts", "up to "+strconv.Itoa(maxChoices)+" answers in all")
	}
	_, p := r.Form()
	return p
}

func (r *CompletionRequest) checkEcho() *Problem {
	if !is(r.Echo) {
		if r.MaxTokens != nil && *r.MaxTokens == 0 {
			return wrong("max_tokens", "integer_below_min_value", "0", "1 or more")
		}
		return nil
	}
	if r.Logprobs != nil {
		return unsupported("echo", "there are no log probabilities of the prompt", "leave out logprobs or echo")
	}
	if r.MaxTokens != nil && *r.MaxTokens == 0 {
		return unsupported("max_tokens", "there is nothing to answer with 0", "ask for 1 or more")
	}
	for _, p := range r.Prompt {
		if p.Tokens != nil {
			return unsupported("echo", "a prompt of tokens has no text to repeat", "send the prompt as text")
		}
	}
	return nil
}

// Tries is how many answers are made for each prompt; N of them are given.
func (r *CompletionRequest) Tries() int64 { return max(or(r.N, 1), or(r.BestOf, 1)) }

// Choices is how many answers are given for each prompt.
func (r *CompletionRequest) Choices() int64 { return or(r.N, 1) }

// Echoes is what comes before the answer to prompt i.
func (r *CompletionRequest) Echoes(i int) string {
	if is(r.Echo) {
		return r.Prompt[i].Text
	}
	return ""
}

// Form is what the answer must look like.
func (r *CompletionRequest) Form() (Form, *Problem) {
	f, p := r.ResponseFormat.form()
	if p == nil && f.Free() {
		f = r.Constraint.form()
	}
	if p == nil {
		p = size(f.Param, len(f.Grammar)+len(f.Schema))
	}
	return f, p
}
