package treetest

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// openAI is OpenAI's own client, unmodified, in front of a daemon.
func (d *daemon) openAI() openai.Client {
	return openai.NewClient(option.WithBaseURL("http://queen/v1"), option.WithAPIKey("none"), option.WithHTTPClient(d.unix()), option.WithMaxRetries(0))
}

// chatOf asks the demo model, always for the likeliest answer.
func chatOf(prompt string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "demo", Temperature: param.NewOpt(0.0),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)}}
}

const capital = "The capital of France is Paris."

// TestTreeOpenAI is the suite of OpenAI's interface on the programs as they ship and the demo model: one daemon, and
// each part on its own.
func TestTreeOpenAI(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, real, []string{"RBEE_LEASE="})
	c := d.openAI()
	for name, part := range map[string]func(*testing.T, openai.Client){
		"Chat": openAIChat, "Stream": openAIStream, "Usage": openAIUsage, "Stop": openAIStop, "Length": openAILength, "Seed": openAISeed, "N": openAIN,
		"Logprobs": openAILogprobs, "Bias": openAIBias, "JSONObject": openAIJSONObject, "JSONSchema": openAIJSONSchema, "Grammar": openAIGrammar,
		"Tools": openAITools, "Completions": openAICompletions, "Embeddings": openAIEmbeddings, "Models": openAIModels, "Errors": openAIErrors,
		"Penalties": openAIPenalties, "IgnoreEOS": openAIIgnoreEOS, "Cancel": openAICancel,
	} {
		t.Run(name, func(t *testing.T) { part(t, c) })
	}
	d.stop(0)
}

func must(t *testing.T, c openai.Client, p openai.ChatCompletionNewParams, o ...option.RequestOption) *openai.ChatCompletion {
	t.Helper()
	got, err := c.Chat.Completions.New(t.Context(), p, o...)
	if err != nil {
		t.Fatal(err, raw(err))
	}
	return got
}

// raw is what an error's response said.
func raw(err error) string {
	var e *openai.Error
	if errors.As(err, &e) {
		return e.RawJSON()
	}
	return ""
}

// streamed reads a stream to its end.
func streamed(t *testing.T, c openai.Client, p openai.ChatCompletionNewParams) (acc openai.ChatCompletionAccumulator, chunks int) {
	t.Helper()
	s := c.Chat.Completions.NewStreaming(t.Context(), p)
	for s.Next() {
		chunks++
		if !acc.AddChunk(s.Current()) {
			t.Fatalf("chunk %d does not fit: %s", chunks, s.Current().RawJSON())
		}
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return acc, chunks
}

func openAIChat(t *testing.T, c openai.Client) {
	got := must(t, c, chatOf("What is the capital of France?"))
	if one := got.Choices[0]; one.Message.Content != capital || one.FinishReason != "stop" || got.Usage.CompletionTokens == 0 || got.Usage.PromptTokens == 0 {
		t.Errorf("got %s", got.RawJSON())
	}
}

func openAIStream(t *testing.T, c openai.Client) {
	acc, chunks := streamed(t, c, chatOf("What is the capital of France?"))
	if acc.Choices[0].Message.Content != capital || acc.Choices[0].FinishReason != "stop" || chunks < 5 {
		t.Errorf("%d chunks: %+v", chunks, acc.Choices)
	}
}

func openAIUsage(t *testing.T, c openai.Client) {
	p := chatOf("What is the capital of France?")
	whole := must(t, c, p)
	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	acc, _ := streamed(t, c, p)
	if acc.Usage.CompletionTokens != whole.Usage.CompletionTokens || acc.Usage.PromptTokens != whole.Usage.PromptTokens || acc.Usage.PromptTokensDetails.CachedTokens == 0 {
		t.Errorf("usage %s of the stream, %s of the whole", acc.Usage.RawJSON(), whole.Usage.RawJSON())
	}
}

func openAIStop(t *testing.T, c openai.Client) {
	p := chatOf("What is the capital of France?")
	for _, stop := range []openai.ChatCompletionNewParamsStopUnion{{OfString: param.NewOpt(" is")}, {OfStringArray: []string{"xyz", " is"}}} {
		p.Stop = stop
		if got := must(t, c, p); got.Choices[0].Message.Content != "The capital of France" || got.Choices[0].FinishReason != "stop" {
			t.Errorf("got %s", got.RawJSON())
		}
	}
}

func openAILength(t *testing.T, c openai.Client) {
	p := chatOf("Tell me a story")
	p.MaxCompletionTokens = param.NewOpt[int64](5)
	if got := must(t, c, p); got.Choices[0].FinishReason != "length" || got.Usage.CompletionTokens != 5 {
		t.Errorf("got %s", got.RawJSON())
	}
}

func openAISeed(t *testing.T, c openai.Client) {
	p := chatOf("Tell me a story")
	p.Temperature, p.MaxTokens = param.NewOpt(1.5), param.NewOpt[int64](40)
	texts := map[string]bool{}
	for seed := range int64(4) {
		p.Seed = param.NewOpt(seed)
		first, second := must(t, c, p).Choices[0].Message.Content, must(t, c, p).Choices[0].Message.Content
		if first != second {
			t.Errorf("seed %d gives %q and %q", seed, first, second)
		}
		texts[first] = true
	}
	if len(texts) < 2 {
		t.Errorf("four seeds give one text: %v", texts)
	}
}

func openAIN(t *testing.T, c openai.Client) {
	p := chatOf("Tell me a story")
	p.Temperature, p.MaxTokens, p.Seed, p.N = param.NewOpt(1.5), param.NewOpt[int64](40), param.NewOpt[int64](1), param.NewOpt[int64](3)
	got := must(t, c, p)
	if len(got.Choices) != 3 {
		t.Fatalf("got %s", got.RawJSON())
	}
	for i, one := range got.Choices { // each is what its seed gives alone
		p.N, p.Seed = param.Opt[int64]{}, param.NewOpt(int64(1+i))
		if alone := must(t, c, p).Choices[0].Message.Content; alone != one.Message.Content {
			t.Errorf("choice %d is %q, alone %q", i, one.Message.Content, alone)
		}
	}
}

func openAILogprobs(t *testing.T, c openai.Client) {
	p := chatOf("What is the capital of France?")
	p.Logprobs, p.TopLogprobs = param.NewOpt(true), param.NewOpt[int64](3)
	got := must(t, c, p)
	text := ""
	for _, l := range got.Choices[0].Logprobs.Content {
		text += l.Token
		if l.Logprob > 0 || len(l.TopLogprobs) != 3 || l.TopLogprobs[0].Token != l.Token {
			t.Errorf("token %q: %s", l.Token, l.RawJSON())
		}
	}
	if got.Choices[0].Message.Content != capital || strings.TrimSpace(text) != capital {
		t.Errorf("text %q, tokens %q", got.Choices[0].Message.Content, text)
	}
}

func openAIBias(t *testing.T, c openai.Client) {
	p := chatOf("What is the capital of France?")
	free := must(t, c, p).Choices[0].Message.Content
	all := map[string]int64{} // forbid much of the vocabulary
	for i := int64(3); i < 700; i += 2 {
		all[strconv.FormatInt(i, 10)] = -100
	}
	p.LogitBias, p.MaxTokens = all, param.NewOpt[int64](20)
	if got := must(t, c, p).Choices[0].Message.Content; got == free {
		t.Errorf("forbidden tokens change nothing: %q", got)
	}
}

func openAIJSONObject(t *testing.T, c openai.Client) {
	p := chatOf("Tell me a story as JSON")
	p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONObject: &shared.ResponseFormatJSONObjectParam{}}
	p.Temperature, p.MaxTokens = param.NewOpt(1.0), param.NewOpt[int64](300)
	for seed := range int64(3) {
		p.Seed = param.NewOpt(seed)
		got := must(t, c, p).Choices[0]
		var v map[string]any
		if err := json.Unmarshal([]byte(got.Message.Content), &v); err != nil && got.FinishReason != "length" {
			t.Errorf("%q: %v", got.Message.Content, err)
		}
	}
}

func openAIJSONSchema(t *testing.T, c openai.Client) {
	p := chatOf("Tell me a story as JSON")
	p.Temperature = param.NewOpt(1.0)
	for _, strict := range []bool{true, false} {
		p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
			Name: "answer", Strict: param.NewOpt(strict), Schema: map[string]any{"type": "object", "properties": map[string]any{
				"city": map[string]any{"enum": []string{"Paris", "Rome"}}, "big": map[string]any{"type": "boolean"}},
				"required": []string{"city", "big"}, "additionalProperties": false}}}}
		got := must(t, c, p).Choices[0]
		var v struct {
			City string `json:"city"`
			Big  *bool  `json:"big"`
		}
		if err := json.Unmarshal([]byte(got.Message.Content), &v); err != nil || v.Big == nil || v.City != "Paris" && v.City != "Rome" || got.FinishReason != "stop" {
			t.Errorf("strict %v: %q (%s): %v", strict, got.Message.Content, got.FinishReason, err)
		}
	}
}

func openAIGrammar(t *testing.T, c openai.Client) {
	got := must(t, c, chatOf("Yes or no?"), option.WithJSONSet("grammar", `root ::= "yes" | "no"`))
	if text := got.Choices[0].Message.Content; text != "yes" && text != "no" {
		t.Errorf("got %q", text)
	}
}

func openAITools(t *testing.T, c openai.Client) {
	p := chatOf("What is the weather in Paris?")
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "weather", Parameters: shared.FunctionParameters{
		"type": "object", "properties": map[string]any{"city": map[string]any{"enum": []string{"Paris", "Rome"}}}, "required": []string{"city"}, "additionalProperties": false}})}
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("required")}
	check := func(how string, one openai.ChatCompletionChoice) {
		t.Helper()
		if one.FinishReason != "tool_calls" || len(one.Message.ToolCalls) == 0 {
			t.Fatalf("%s: %s", how, one.RawJSON())
		}
		call := one.Message.ToolCalls[0]
		var args struct {
			City string `json:"city"`
		}
		if err := json.Unmarshal([]byte(call.Function.Arguments), &args); err != nil || call.Function.Name != "weather" || call.ID == "" || args.City != "Paris" && args.City != "Rome" {
			t.Errorf("%s: %+v: %v", how, call, err)
		}
	}
	got := must(t, c, p)
	check("whole", got.Choices[0])
	acc, _ := streamed(t, c, p)
	check("stream", acc.Choices[0])
	// The result of a call is read, and answered in words.
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("none")}
	p.Messages = append(p.Messages, got.Choices[0].Message.ToParam(), openai.ToolMessage("sunny", got.Choices[0].Message.ToolCalls[0].ID))
	if one := must(t, c, p).Choices[0]; len(one.Message.ToolCalls) > 0 || one.Message.Content == "" {
		t.Errorf("tool_choice none: %s", one.RawJSON())
	}
}

func openAICompletions(t *testing.T, c openai.Client) {
	p := openai.CompletionNewParams{Model: "demo", Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{"The capital of", "The quick brown"}},
		Temperature: param.NewOpt(0.0), Echo: param.NewOpt(true)}
	got, err := c.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err, raw(err))
	}
	if len(got.Choices) != 2 || got.Choices[0].Text != capital || !strings.HasPrefix(got.Choices[1].Text, "The quick brown fox") {
		t.Errorf("got %s", got.RawJSON())
	}
	p = openai.CompletionNewParams{Model: "demo", Prompt: openai.CompletionNewParamsPromptUnion{OfString: param.NewOpt("The capital of")}, Temperature: param.NewOpt(0.0), Logprobs: param.NewOpt[int64](2)}
	s := c.Completions.NewStreaming(t.Context(), p)
	text := ""
	for s.Next() {
		text += s.Current().Choices[0].Text
	}
	if s.Err() != nil || text != strings.TrimPrefix(capital, "The capital of") {
		t.Errorf("streamed %q: %v", text, s.Err())
	}
}

func openAIEmbeddings(t *testing.T, c openai.Client) {
	got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "demo", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a story of bees", "a story of bees", "the capital"}}})
	if err != nil {
		t.Fatal(err, raw(err))
	}
	dot := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	a, b, other := got.Data[0].Embedding, got.Data[1].Embedding, got.Data[2].Embedding
	if math.Abs(dot(a, a)-1) > 1e-3 || math.Abs(dot(a, b)-1) > 1e-3 || dot(a, other) > 0.999 || got.Usage.PromptTokens == 0 {
		t.Errorf("a·a %v, a·b %v, a·other %v, usage %+v", dot(a, a), dot(a, b), dot(a, other), got.Usage)
	}
}

func openAIModels(t *testing.T, c openai.Client) {
	page, err := c.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range page.Data {
		found = found || m.ID == "demo"
	}
	if !found {
		t.Errorf("no demo in %s", page.RawJSON())
	}
	if m, err := c.Models.Get(t.Context(), "demo"); err != nil || m.ID != "demo" {
		t.Errorf("%+v %v", m, err)
	}
}

func openAIErrors(t *testing.T, c openai.Client) {
	for name, x := range map[string]struct {
		change func(p *openai.ChatCompletionNewParams)
		status int
		code   string
		param  string
	}{
		"model": {func(p *openai.ChatCompletionNewParams) { p.Model = "nobody" }, 404, "model_not_found", "model"},
		"context": {func(p *openai.ChatCompletionNewParams) {
			p.Messages[0] = openai.UserMessage(strings.Repeat("word ", 20000))
		}, 400, "context_length_exceeded", "messages"},
		"temperature": {func(p *openai.ChatCompletionNewParams) { p.Temperature = param.NewOpt(3.0) }, 400, "decimal_above_max_value", "temperature"},
		"schema": {func(p *openai.ChatCompletionNewParams) {
			p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
				Name: "x", Schema: map[string]any{"type": "object", "not": map[string]any{}}}}}
		}, 400, "invalid_value", "response_format.json_schema.schema"},
	} {
		p := chatOf("hi")
		x.change(&p)
		for _, stream := range []bool{false, true} {
			var err error
			if stream {
				s := c.Chat.Completions.NewStreaming(t.Context(), p)
				for s.Next() {
				}
				err = s.Err()
			} else {
				_, err = c.Chat.Completions.New(t.Context(), p)
			}
			var e *openai.Error
			if !errors.As(err, &e) || e.StatusCode != x.status || e.Code != x.code || e.Param != x.param {
				t.Errorf("%s, stream %v: %v %s", name, stream, err, raw(err))
			}
		}
	}
	_, err := c.Chat.Completions.New(t.Context(), chatOf("hi"), option.WithJSONSet("grammar", `root ::= `+strings.Repeat("(", 100000)))
	var e *openai.Error
	if !errors.As(err, &e) || e.StatusCode != 400 || e.Param != "grammar" {
		t.Errorf("a grammar bomb: %v %s", err, raw(err))
	}
}

func openAIPenalties(t *testing.T, c openai.Client) {
	p := chatOf("Tell me a story")
	p.MaxTokens = param.NewOpt[int64](80)
	free := must(t, c, p).Choices[0].Message.Content
	p.FrequencyPenalty, p.PresencePenalty = param.NewOpt(2.0), param.NewOpt(2.0)
	if got := must(t, c, p, option.WithJSONSet("repeat_penalty", 5)).Choices[0].Message.Content; got == free {
		t.Errorf("penalties change nothing: %q", got)
	}
}

func openAIIgnoreEOS(t *testing.T, c openai.Client) {
	p := chatOf("What is the capital of France?")
	p.MaxTokens = param.NewOpt[int64](100)
	got := must(t, c, p, option.WithJSONSet("ignore_eos", true), option.WithJSONSet("top_k", 1), option.WithJSONSet("min_p", 0.0))
	if got.Usage.CompletionTokens != 100 || got.Choices[0].FinishReason != "length" {
		t.Errorf("got %s", got.RawJSON())
	}
}

// A client that leaves frees its slots: the next one is answered.
func openAICancel(t *testing.T, c openai.Client) {
	for range 8 {
		ctx, leave := context.WithTimeout(t.Context(), time.Minute)
		s := c.Chat.Completions.NewStreaming(ctx, chatOf("Tell me a story"), option.WithJSONSet("ignore_eos", true))
		if !s.Next() {
			t.Fatal(s.Err())
		}
		leave()
		s.Close()
	}
	openAIChat(t, c)
}
