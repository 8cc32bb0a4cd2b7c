package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"rbee/internal/chat"
	"rbee/internal/openai"
	"rbee/messages"
)

// completion serves POST /v1/completions.
func (g *gateway) completion(w http.ResponseWriter, r *http.Request) {
	a, err := g.arrive(w, r, "cmpl-")
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	req, err := openai.DecodeCompletion(a.body)
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	all, err := req.Generates(a.head.ID, grammars{})
	if err != nil {
		writeOpenAIError(w, err)
		return
	}
	a.head.Model, a.head.Usage = req.Model, req.WantsUsage()
	t := texts{req: req, head: a.head, logprobs: req.Logprobs != nil}
	var to recorder = &textWhole{texts: t, all: make([]textGathered, len(all))}
	if req.Streams() {
		to = &textStream{texts: t, chunks: openai.NewCompletionChunks(a.head), begun: make([]bool, len(all)), offset: make([]int, len(all))}
	}
	g.exchange(w, r, all, &exchange{to: to, began: a.began, asks: "prompt", streamed: req.Streams(), perInput: int(req.Tries())})
}

// texts is what both ways to answer a completion have.
type texts struct {
	req      *openai.CompletionRequest
	head     *openai.Head
	logprobs bool // the client wants them; else they only serve the choice of the best
}

func (texts) tools(int, string) *chat.ToolParser { return nil }

func (texts) call(b []byte, _ int, _ openai.Call) []byte { return b }

// echo is what comes before answer i of all.
func (t *texts) echo(i int) string { return t.req.Echoes(i / int(t.req.Tries())) }

// textStream writes chunks.
type textStream struct {
	texts
	chunks *openai.CompletionChunks
	begun  []bool
	offset []int // characters so far
}

func (t *textStream) text(b []byte, i int, text string, l []*messages.TokenLogprob) []byte {
	if echo := t.echo(i); echo != "" && !t.begun[i] {
		b = t.say(b, i, echo, nil)
	}
	t.begun[i] = true
	return t.say(b, i, text, l)
}

func (t *textStream) say(b []byte, i int, text string, l []*messages.TokenLogprob) []byte {
	b = t.chunks.AppendText(b, i, text, t.offset[i], l)
	t.offset[i] += utf8.RuneCountInString(text)
	return b
}

func (t *textStream) end(b []byte, i int, reason string, m openai.Moved) []byte {
	if echo := t.echo(i); echo != "" && !t.begun[i] {
		b = t.say(b, i, echo, nil)
	}
	return t.chunks.AppendFinish(b, i, reason, m)
}

func (t *textStream) settle(b []byte, u *messages.Usage) []byte {
	if t.head.Usage {
		b = t.chunks.AppendUsage(b, u)
	}
	return append(b, openai.Done...)
}

// textWhole gathers the answers.
type textWhole struct {
	texts
	all []textGathered
}

type textGathered struct {
	content  strings.Builder
	logprobs []*messages.TokenLogprob
	finish   string
	moved    openai.Moved
}

func (t *textWhole) text(b []byte, i int, text string, l []*messages.TokenLogprob) []byte {
	t.all[i].content.WriteString(text)
	t.all[i].logprobs = append(t.all[i].logprobs, l...)
	return b
}

func (t *textWhole) end(b []byte, i int, reason string, m openai.Moved) []byte {
	t.all[i].finish, t.all[i].moved = reason, m
	return b
}

// mean is the log probability of a token of the answer.
func (g *textGathered) mean() float64 {
	sum := 0.0
	for _, l := range g.logprobs {
		sum += l.GetLogprob()
	}
	return sum / float64(max(1, len(g.logprobs)))
}

func (t *textWhole) settle(b []byte, u *messages.Usage) []byte {
	tries, give := int(t.req.Tries()), int(t.req.Choices())
	var choices []openai.TextChoice
	for first := 0; first < len(t.all); first += tries {
		of := make([]*textGathered, tries)
		for i := range of {
			of[i] = &t.all[first+i]
		}
		if give < tries {
			slices.SortStableFunc(of, func(a, b *textGathered) int { return cmp.Compare(b.mean(), a.mean()) })
		}
		for _, g := range of[:give] {
			c := openai.TextChoice{Echo: t.echo(first), Text: g.content.String(), Finish: g.finish, Moved: g.moved}
			if t.logprobs {
				c.Logprobs = g.logprobs
			}
			choices = append(choices, c)
		}
	}
	return openai.AppendCompletion(b, t.head, choices, u)
}
