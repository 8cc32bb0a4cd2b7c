package openai

import (
	"strconv"

	"rbee/internal/api"
)

// Common are the fields that chat and completions share.
type Common struct {
	Model         string         `json:"model"`
	Stream        *bool          `json:"stream"`
	StreamOptions *StreamOptions `json:"stream_options"`
	N             *int64         `json:"n"`
	Stop          Stop           `json:"stop"`
	MaxTokens     *int64         `json:"max_tokens"`

	Temperature      *float64           `json:"temperature"`
	TopP             *float64           `json:"top_p"`
	PresencePenalty  *float64           `json:"presence_penalty"`
	FrequencyPenalty *float64           `json:"frequency_penalty"`
	Seed             *int64             `json:"seed"`
	LogitBias        map[string]float64 `json:"logit_bias"`
	User             *string            `json:"user"`

	// What llama-server and vLLM have beside it.
	TopK              *int64   `json:"top_k"`
	MinP              *float64 `json:"min_p"`
	RepeatPenalty     *float64 `json:"repeat_penalty"`     // llama-server's name
	RepetitionPenalty *float64 `json:"repetition_penalty"` // vLLM's
	RepeatLastN       *int64   `json:"repeat_last_n"`
	NPredict          *int64   `json:"n_predict"` // max_tokens of llama-server; -1 = no limit
	IgnoreEOS         *bool    `json:"ignore_eos"`
	Constraint

	// rbee's own.
	Node       *string   `json:"node"`
	KeepAlive  KeepAlive `json:"keep_alive"`
	DeadlineMS *int64    `json:"deadline_ms"`
	NoPull     *bool     `json:"no_pull"`
	NoContinue *bool     `json:"no_continue"`
}

// StreamOptions is "stream_options".
type StreamOptions struct {
	IncludeUsage *bool `json:"include_usage"`
}

func (c *Common) check() *Problem {
	if c.Model == "" {
		return missing("model")
	}
	most := int64(api.MaxTokens)
	return first(
		line("model", c.Model, api.MaxNameBytes),
		c.checkStreamOptions(),
		whole("n", c.N, 1, maxChoices),
		c.Stop.check(),
		number("temperature", c.Temperature, 0, 2),
		number("top_p", c.TopP, 0, 1),
		number("presence_penalty", c.PresencePenalty, -2, 2),
		number("frequency_penalty", c.FrequencyPenalty, -2, 2),
		c.checkBias(),
		c.checkUser(),
		whole("top_k", c.TopK, -1, api.MaxTopK),
		number("min_p", c.MinP, 0, 1),
		penalty("repeat_penalty", c.RepeatPenalty),
		penalty("repetition_penalty", c.RepetitionPenalty),
		whole("repeat_last_n", c.RepeatLastN, -1, api.MaxContext),
		whole("n_predict", c.NPredict, -1, most),
		c.Constraint.check(),
		c.checkNode(),
		c.checkKeepAlive(),
		whole("deadline_ms", c.DeadlineMS, 1, api.MaxDeadlineMS),
	)
}

func penalty(param string, v *float64) *Problem {
	if v != nil && *v == 0 {
		return wrong(param, "decimal_below_min_value", "0", "more than 0, up to "+strconv.Itoa(api.MaxPenalty))
	}
	return number(param, v, 0, api.MaxPenalty)
}

func (c *Common) checkStreamOptions() *Problem {
	if c.StreamOptions != nil && !is(c.Stream) {
		return wrong("stream_options", codeValue, "given", "nothing unless stream is true")
	}
	return nil
}

func (c *Common) checkBias() *Problem {
	if p := list("logit_bias", len(c.LogitBias), maxBias); p != nil {
		return p
	}
	for token, bias := range c.LogitBias {
		param := "logit_bias." + shorten(token, 20)
		if n, err := strconv.ParseInt(token, 10, 32); err != nil || n < 0 {
			return wrong("logit_bias", codeValue, "for "+quoted(token), "for a token's number")
		}
		if p := number(param, &bias, -100, 100); p != nil {
			return p
		}
	}
	return nil
}

func (c *Common) checkUser() *Problem {
	if c.User == nil {
		return nil
	}
	return line("user", *c.User, maxUser)
}

func (c *Common) checkNode() *Problem {
	if c.Node == nil {
		return nil
	}
	return line("node", *c.Node, api.MaxNodes*(api.MaxNodeBytes+1))
}

func (c *Common) checkKeepAlive() *Problem {
	if c.KeepAlive.Duration > maxKeepAlive {
		return wrong("keep_alive", codeValue, "more than a year", "up to a year, or negative for ever")
	}
	return nil
}

// WantsUsage says whether a stream ends with a chunk of usage.
func (c *Common) WantsUsage() bool { return c.StreamOptions != nil && is(c.StreamOptions.IncludeUsage) }

// Streams says whether the answer is a stream.
func (c *Common) Streams() bool { return is(c.Stream) }

func is(b *bool) bool { return b != nil && *b }

func or[T any](p *T, otherwise T) T {
	if p != nil {
		return *p
	}
	return otherwise
}
