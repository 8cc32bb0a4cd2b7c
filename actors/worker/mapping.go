package worker

import (
	"rbee/internal/engine"
	"rbee/messages"
)

// engineRequest is a request in the engine's terms.
func engineRequest(g *messages.Generate) engine.Request {
	c := g.GetChat()
	r := engine.Request{
		Prompt: g.GetPrompt(), Tokens: g.GetPromptTokens(), Raw: g.GetRaw(), MaxTokens: int(g.GetMaxTokens()), Stop: g.GetStop(), IgnoreEOS: g.GetIgnoreEos(),
		Chat: engine.ChatOptions{ToolsJSON: c.GetToolsJson(), ToolChoice: c.GetToolChoice(), TemplateArgsJSON: c.GetTemplateArgsJson(),
			ParallelToolCalls: c.GetParallelToolCalls()},
		Sampling: engineSampling(g.GetSampling()),
	}
	for _, m := range g.GetMessages() {
		r.Messages = append(r.Messages, engine.Message{Role: m.GetRole(), Content: m.GetContent(), Name: m.GetName(),
			ToolCallID: m.GetToolCallId(), ToolCallsJSON: m.GetToolCallsJson()})
	}
	if b := g.GetResume(); b != nil {
		r.Resume = &engine.Resume{Tokens: b.GetTokens(), SentBytes: int(b.GetSentBytes())}
	}
	return r
}

func engineSampling(s *messages.Sampling) engine.Sampling {
	e := engine.Sampling{
		Temperature: s.GetTemperature(), TopK: int(s.GetTopK()), TopP: s.GetTopP(), MinP: s.GetMinP(), Seed: s.GetSeed(),
		RepeatPenalty: s.GetRepeatPenalty(), PresencePenalty: s.GetPresencePenalty(), FrequencyPenalty: s.GetFrequencyPenalty(),
		RepeatLastN: int(s.GetRepeatLastN()), LogitBias: s.GetLogitBias(), Grammar: s.GetGrammar(),
	}
	if s != nil && s.TopLogprobs != nil {
		n := int(s.GetTopLogprobs())
		e.TopLogprobs = &n
	}
	return e
}

// tokenLogprob is what a piece of an answer with log probabilities carries; one that belongs to no token has only
// engine.NoToken, because there must be one for each piece.
func tokenLogprob(e engine.Event) *messages.TokenLogprob {
	if e.Logprob == nil {
		return &messages.TokenLogprob{Id: e.Token}
	}
	l := logprobOf(*e.Logprob)
	for _, t := range e.Logprob.Top {
		l.Top = append(l.Top, logprobOf(t))
	}
	return l
}

func logprobOf(l engine.Logprob) *messages.TokenLogprob {
	return &messages.TokenLogprob{Id: l.Token, Bytes: l.Bytes, Logprob: l.Logprob}
}

// toolFormat is how the answer to g would write tool calls, "" if it was given no tools.
func toolFormat(g *messages.Generate, i engine.Info) string {
	if g.GetChat().GetToolsJson() == "" {
		return ""
	}
	return i.ToolFormat
}
