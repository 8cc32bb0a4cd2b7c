package openai

import (
	"crypto/rand"
	"encoding/binary"
	"strconv"

	"github.com/go-json-experiment/json"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/messages"
)

// Grammars writes the grammar of an answer's form.
type Grammars interface {
	// Object is the grammar of any JSON object.
	Object() string
	// Schema is that of the JSON which fits a schema. Its error says what of the schema cannot be held.
	Schema(schema []byte) (string, error)
	// Check says what is wrong with a grammar.
	Check(grammar string) error
}

// grammar is the form in the engine's language.
func (f Form) grammar(by Grammars) (string, error) {
	var g string
	var err error
	switch {
	case f.Any:
		return by.Object(), nil
	case f.Schema != nil:
		g, err = by.Schema(f.Schema)
	case f.Grammar != "":
		g, err = f.Grammar, by.Check(f.Grammar)
	}
	if err != nil {
		e := fault.From(err)
		return "", (&Problem{Param: f.Param, Code: codeValue, Message: f.Param + " cannot be held: " + e.Message, Hint: e.Hint}).Fault()
	}
	return g, nil
}

// Generates returns the messages that answer the request, one for each choice. id names the first; ids, credit and
// what belongs to the caller are the gateway's to add.
func (r *ChatRequest) Generates(id string, by Grammars) ([]*messages.Generate, error) {
	form, p := r.Form()
	if p != nil {
		return nil, p.Fault()
	}
	if r.MayCall() && r.ToolChoice.mustCall() {
		form = Form{} // an answer that is a call has the call's form
	}
	grammar, err := form.grammar(by)
	if err != nil {
		return nil, err
	}
	g := r.Common.generate(id)
	g.Sampling.Grammar = grammar
	if r.MaxCompletionTokens != nil {
		g.MaxTokens = *r.MaxCompletionTokens
	}
	if is(r.Logprobs) {
		g.Sampling.TopLogprobs = new(or(r.TopLogprobs, 0))
	}
	g.Messages = make([]*messages.ChatMessage, len(r.Messages))
	for i := range r.Messages {
		g.Messages[i] = r.Messages[i].message()
	}
	g.Chat = r.options()
	return r.Common.choices(g, or(r.N, 1)), nil
}

func (m *Message) message() *messages.ChatMessage {
	role, content := m.Role, m.Content.Text
	if role == "developer" { // what OpenAI's newer models call it; templates know the old word
		role = "system"
	}
	if !m.Content.Set && m.Refusal != nil {
		content = *m.Refusal
	}
	c := &messages.ChatMessage{Role: role, Content: content, Name: or(m.Name, ""), ToolCallId: or(m.ToolCallID, "")}
	if len(m.ToolCalls.List) > 0 {
		c.ToolCallsJson = string(m.ToolCalls.Raw)
	}
	return c
}

// options is nil if the template is given nothing but messages.
func (r *ChatRequest) options() *messages.ChatOptions {
	o := &messages.ChatOptions{TemplateArgsJson: r.templateArgs()}
	if len(r.Tools.List) > 0 {
		o.ToolsJson, o.ToolChoice, o.ParallelToolCalls = string(r.Tools.Raw), r.ToolChoice.text(), or(r.ParallelToolCalls, true)
	}
	if o.ToolsJson == "" && o.TemplateArgsJson == "" {
		return nil
	}
	return o
}

// templateArgs adds reasoning_effort to what the client gives the template itself.
func (r *ChatRequest) templateArgs() string {
	if r.ReasoningEffort == nil {
		return string(r.ChatTemplateArgs.JSON)
	}
	args := map[string]any{}
	if r.ChatTemplateArgs.kind() != 0 {
		_ = json.Unmarshal(r.ChatTemplateArgs.JSON, &args) // it is an object: it was checked
	}
	if _, own := args["reasoning_effort"]; !own {
		args["reasoning_effort"] = *r.ReasoningEffort
	}
	b, err := json.Marshal(args, json.Deterministic(true))
	if err != nil {
		return ""
	}
	return string(b)
}

// Generates is like that of a chat; Tries for each prompt, prompt by prompt.
func (r *CompletionRequest) Generates(id string, by Grammars) ([]*messages.Generate, error) {
	form, p := r.Form()
	if p != nil {
		return nil, p.Fault()
	}
	grammar, err := form.grammar(by)
	if err != nil {
		return nil, err
	}
	var all []*messages.Generate
	for _, prompt := range r.Prompt {
		g := r.Common.generate(id)
		g.Raw, g.Prompt, g.PromptTokens, g.Sampling.Grammar = true, prompt.Text, prompt.Tokens, grammar
		switch {
		case r.Logprobs != nil:
			g.Sampling.TopLogprobs = r.Logprobs
		case r.Tries() > r.Choices(): // the best are those with the highest probability
			g.Sampling.TopLogprobs = new(int64)
		}
		all = append(all, r.Common.choices(g, r.Tries())...)
	}
	for i, g := range all {
		g.Id = nth(id, i)
	}
	return all, nil
}

// Generate is the message that embeds the inputs.
func (r *EmbeddingRequest) Generate(id string) *messages.Generate {
	g := r.common().generate(id)
	g.Embed, g.Raw = true, true
	for _, in := range r.Input {
		g.Inputs = append(g.Inputs, &messages.EmbedInput{Text: in.Text, Tokens: in.Tokens})
	}
	return g
}

func (c *Common) generate(id string) *messages.Generate {
	g := &messages.Generate{
		Id:    id,
		Node:  or(c.Node, ""),
		Model: &messages.ModelRef{Ref: c.Model, NoPull: is(c.NoPull)},
		Load:  &messages.LoadOptions{},
		Sampling: &messages.Sampling{
			Temperature:      or(c.Temperature, api.DefaultTemperature),
			TopK:             max(0, or(c.TopK, api.DefaultTopK)), // vLLM's -1 is our 0: off
			TopP:             or(c.TopP, api.DefaultTopP),
			MinP:             or(c.MinP, api.DefaultMinP),
			RepeatPenalty:    or(c.RepeatPenalty, or(c.RepetitionPenalty, api.DefaultRepeatPenalty)),
			PresencePenalty:  or(c.PresencePenalty, 0),
			FrequencyPenalty: or(c.FrequencyPenalty, 0),
			RepeatLastN:      or(c.RepeatLastN, 0),
		},
		MaxTokens:  or(c.MaxTokens, max(0, or(c.NPredict, 0))),
		Stop:       c.Stop,
		IgnoreEos:  is(c.IgnoreEOS),
		BudgetMs:   or(c.DeadlineMS, 0),
		GraceMs:    api.DefaultGraceMS,
		Attempt:    1,
		Quiet:      true,
		NoContinue: is(c.NoContinue),
	}
	if c.KeepAlive.Set {
		g.KeepAliveMs = new(c.KeepAlive.Duration.Milliseconds())
		if c.KeepAlive.Duration < 0 {
			*g.KeepAliveMs = -1
		}
	}
	if len(c.LogitBias) > 0 {
		g.Sampling.LogitBias = make(map[int32]float32, len(c.LogitBias))
		for token, bias := range c.LogitBias {
			n, _ := strconv.ParseInt(token, 10, 32) // checked
			g.Sampling.LogitBias[int32(n)] = float32(bias)
		}
	}
	return g
}

// choices makes n messages of one, each with a seed of its own: that of the request and the numbers after it, so that
// the same request gives the same answers.
func (c *Common) choices(g *messages.Generate, n int64) []*messages.Generate {
	all := make([]*messages.Generate, n)
	seed := c.seed()
	for i := range all {
		one := g
		if i > 0 { // what they share is only read
			one = &messages.Generate{Model: g.Model, Load: g.Load, Node: g.Node, Prompt: g.Prompt, Messages: g.Messages, Raw: g.Raw, MaxTokens: g.MaxTokens,
				Stop: g.Stop, IgnoreEos: g.IgnoreEos, BudgetMs: g.BudgetMs, GraceMs: g.GraceMs, Attempt: g.Attempt, Quiet: true, Chat: g.Chat, PromptTokens: g.PromptTokens,
				NoContinue: g.NoContinue, KeepAliveMs: g.KeepAliveMs, Id: nth(g.Id, i)}
			s := g.Sampling
			one.Sampling = &messages.Sampling{Temperature: s.Temperature, TopK: s.TopK, TopP: s.TopP, MinP: s.MinP, RepeatPenalty: s.RepeatPenalty,
				PresencePenalty: s.PresencePenalty, FrequencyPenalty: s.FrequencyPenalty, RepeatLastN: s.RepeatLastN, LogitBias: s.LogitBias,
				TopLogprobs: s.TopLogprobs, Grammar: s.Grammar}
		}
		one.Sampling.Seed = uint32((uint64(seed) + uint64(i)) % (api.MaxSeed + 1))
		all[i] = one
	}
	return all
}

// nth names the i-th request of one body.
func nth(id string, i int) string {
	if i == 0 {
		return id
	}
	return id + "-" + strconv.Itoa(i)
}

// seed is the client's, or a random one: if it gave none, or -1, which llama-server's users give for that. OpenAI
// allows 64 bits; the engine has 32.
func (c *Common) seed() uint32 {
	if c.Seed == nil || *c.Seed == -1 {
		var b [4]byte
		_, _ = rand.Read(b[:]) // never fails: it ends the program instead
		return min(binary.LittleEndian.Uint32(b[:]), api.MaxSeed)
	}
	return uint32(uint64(*c.Seed) % (api.MaxSeed + 1))
}
