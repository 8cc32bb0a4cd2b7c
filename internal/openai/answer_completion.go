package openai

import (
	"strconv"
	"unicode/utf8"

	"rbee/internal/api"
	"rbee/messages"
)

// CompletionChunks writes a completion that is streamed.
type CompletionChunks struct{ chunks }

// NewCompletionChunks begins a stream.
func NewCompletionChunks(h *Head) *CompletionChunks {
	return &CompletionChunks{newChunks(h, "text_completion")}
}

// AppendText appends a piece of the answer, which begins offset characters after the beginning of its text.
func (c *CompletionChunks) AppendText(b []byte, index int, text string, offset int, logprobs []*messages.TokenLogprob) []byte {
	b = append(c.open(b, index), `,"text":`...)
	b = api.AppendString(b, text)
	b = appendTextLogprobs(b, offset, logprobs)
	return c.close(append(b, `,"finish_reason":null`...))
}

// AppendFinish appends a choice's last chunk.
func (c *CompletionChunks) AppendFinish(b []byte, index int, reason string, m Moved) []byte {
	return c.close(m.append(finish(append(c.open(b, index), `,"text":"","logprobs":null`...), reason)))
}

// TextChoice is a whole answer.
type TextChoice struct {
	Echo     string // the prompt, before the text
	Text     string
	Logprobs []*messages.TokenLogprob
	Finish   string
	Moved    Moved
}

// AppendCompletion appends a whole response.
func AppendCompletion(b []byte, h *Head, choices []TextChoice, u *messages.Usage) []byte {
	b = h.begin(b, "text_completion")
	for i, c := range choices {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"text":`...)
		b = api.AppendString(b, c.Echo+c.Text)
		b = appendTextLogprobs(b, 0, c.Logprobs)
		b = append(c.Moved.append(finish(b, c.Finish)), '}')
	}
	b = append(b, `],"usage":`...)
	return append(appendUsage(b, u), "}\n"...)
}

// appendTextLogprobs is the older interface's form: a list of each.
func appendTextLogprobs(b []byte, offset int, all []*messages.TokenLogprob) []byte {
	if len(all) == 0 {
		return append(b, `,"logprobs":null`...)
	}
	each := func(b []byte, one func(b []byte, l *messages.TokenLogprob) []byte) []byte {
		for i, l := range all {
			if i > 0 {
				b = append(b, ',')
			}
			b = one(b, l)
		}
		return b
	}
	b = each(append(b, `,"logprobs":{"tokens":[`...), func(b []byte, l *messages.TokenLogprob) []byte {
		return api.AppendString(b, string(l.GetBytes()))
	})
	b = each(append(b, `],"token_logprobs":[`...), func(b []byte, l *messages.TokenLogprob) []byte { return appendLogprob(b, l.GetLogprob()) })
	b = each(append(b, `],"top_logprobs":[`...), func(b []byte, l *messages.TokenLogprob) []byte {
		b = append(b, '{')
		seen := map[string]bool{}
		for _, t := range l.GetTop() {
			text := string(t.GetBytes())
			if seen[text] { // tokens of the same text: the likeliest came first
				continue
			}
			if len(seen) > 0 {
				b = append(b, ',')
			}
			seen[text] = true
			b = append(api.AppendString(b, text), ':')
			b = appendLogprob(b, t.GetLogprob())
		}
		return append(b, '}')
	})
	b = each(append(b, `],"text_offset":[`...), func(b []byte, l *messages.TokenLogprob) []byte {
		b = strconv.AppendInt(b, int64(offset), 10)
		offset += utf8.RuneCount(l.GetBytes())
		return b
	})
	return append(b, "]}"...)
}
