package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
	"rbee/messages"
)

// official is OpenAI's own client, unmodified, in front of a backend.
func official(t *testing.T, b *gatewaytest.Backend, o gateway.Options) openai.Client {
	t.Helper()
	_, h, _ := serve(t, b, o)
	return openai.NewClient(option.WithBaseURL("http://queen/v1"), option.WithAPIKey("none"), option.WithHTTPClient(h))
}

func says(words ...string) *gatewaytest.Backend {
	return &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Say("queen-rbee", "start", "nobody of OpenAI's clients sees this")
		s.Event(gateway.Event{Accepted: &messages.Accepted{ToolFormat: "hermes"}})
		for _, w := range words {
			s.Tokens(w)
		}
		s.Done("stop", int64(len(words)))
	}}
}

func hi(model string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}}
}

func TestOfficialClientGetsAWholeChat(t *testing.T) {
	b := says("hel", "", "lo \"w\"\n")
	c := official(t, b, gateway.Options{})
	var raw *http.Response
	got, err := c.Chat.Completions.New(t.Context(), hi("hf:org/repo:Q4"), option.WithResponseInto(&raw))
	if err != nil {
		t.Fatal(err)
	}
	one := got.Choices[0]
	if one.Message.Content != "hello \"w\"\n" || one.FinishReason != "stop" || one.Message.Role != "assistant" {
		t.Errorf("got %+v", one)
	}
	if got.Model != "hf:org/repo:Q4" || !strings.HasPrefix(got.ID, "chatcmpl-") || got.Created == 0 || !strings.Contains(got.RawJSON(), `"system_fingerprint":"rbee-`) {
		t.Errorf("got %+v", got)
	}
	if u := got.Usage; u.PromptTokens != 3 || u.CompletionTokens != 3 || u.TotalTokens != 6 {
		t.Errorf("usage %+v", u)
	}
	if raw.Header.Get("X-Request-Id") == "" || raw.Header.Get("Openai-Processing-Ms") == "" {
		t.Errorf("headers %v", raw.Header)
	}
}

func TestOfficialClientGetsAStreamWithUsage(t *testing.T) {
	c := official(t, says("one", " two"), gateway.Options{})
	p := hi("demo")
	p.StreamOptions.IncludeUsage = param.NewOpt(true)
	s := c.Chat.Completions.NewStreaming(t.Context(), p)
	acc, chunks := openai.ChatCompletionAccumulator{}, 0
	for s.Next() {
		chunks++
		if !acc.AddChunk(s.Current()) {
			t.Fatalf("chunk %d does not fit: %s", chunks, s.Current().RawJSON())
		}
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	if chunks != 5 { // role, two tokens, end, usage
		t.Errorf("%d chunks", chunks)
	}
	if acc.Choices[0].Message.Content != "one two" || acc.Choices[0].FinishReason != "stop" || acc.Usage.CompletionTokens != 2 {
		t.Errorf("got %+v", acc.ChatCompletion)
	}
}

func TestEveryChoiceHasASeedOfItsOwn(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens(string(rune('a' + s.Request.GetSampling().GetSeed() - 7)))
		s.Done("length", 1)
	}}
	c := official(t, b, gateway.Options{})
	p := hi("demo")
	p.N, p.Seed = param.NewOpt[int64](3), param.NewOpt[int64](7)
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i, one := range got.Choices {
		text += one.Message.Content
		if one.Index != int64(i) || one.FinishReason != "length" {
			t.Errorf("choice %d: %+v", i, one)
		}
	}
	if text != "abc" || got.Usage.PromptTokens != 3 || got.Usage.CompletionTokens != 3 {
		t.Errorf("got %q, %+v", text, got.Usage)
	}
	s := c.Chat.Completions.NewStreaming(t.Context(), p)
	acc := openai.ChatCompletionAccumulator{}
	for s.Next() {
		acc.AddChunk(s.Current())
	}
	if s.Err() != nil || len(acc.Choices) != 3 || acc.Choices[2].Message.Content != "c" {
		t.Errorf("stream: %v %+v", s.Err(), acc.Choices)
	}
}

func TestLogprobsAreOfEachToken(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		if k := s.Request.GetSampling().TopLogprobs; k == nil || *k != 2 {
			t.Errorf("asked for %v", k)
		}
		euro := &messages.TokenLogprob{Id: 5, Bytes: []byte("\xe2\x82"), Logprob: math.Inf(-1), Top: []*messages.TokenLogprob{{Bytes: []byte("a"), Logprob: -0.5}, {Bytes: []byte("b"), Logprob: -1}}}
		rest := &messages.TokenLogprob{Id: 6, Bytes: []byte("\xac"), Logprob: -0.25}
		s.Event(gateway.Event{Tokens: &messages.Tokens{Pieces: []string{"", "€", "!"}, Logprobs: []*messages.TokenLogprob{euro, rest}}})
		s.Done("stop", 2)
	}}
	c := official(t, b, gateway.Options{})
	p := hi("demo")
	p.Logprobs, p.TopLogprobs = param.NewOpt(true), param.NewOpt[int64](2)
	check := func(how, text string, l []openai.ChatCompletionTokenLogprob) {
		t.Helper()
		if text != "€!" || len(l) != 2 || l[0].Logprob != -9999 || len(l[0].TopLogprobs) != 2 || l[0].TopLogprobs[1].Token != "b" || l[1].Logprob != -0.25 || l[1].Bytes[0] != 0xac {
			t.Errorf("%s: %q %+v", how, text, l)
		}
	}
	got, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	check("whole", got.Choices[0].Message.Content, got.Choices[0].Logprobs.Content)
	s := c.Chat.Completions.NewStreaming(t.Context(), p)
	acc := openai.ChatCompletionAccumulator{}
	for s.Next() {
		acc.AddChunk(s.Current())
	}
	check("stream", acc.Choices[0].Message.Content, acc.Choices[0].Logprobs.Content)
}

func TestOfficialClientReadsErrors(t *testing.T) {
	full := fault.New(fault.QueueFull, "100 requests wait").With("retry_after_s", 7).WithHint("later")
	for name, c := range map[string]struct {
		fault  *fault.Error
		status int
		kind   string
		code   string
		header map[string]string
	}{
		"queue":   {full, 503, "server_error", "queue_full", map[string]string{"Retry-After": "7"}},
		"model":   {fault.New(fault.ModelNotFound, "no model x"), 404, "invalid_request_error", "model_not_found", map[string]string{"X-Should-Retry": "false"}},
		"context": {fault.New(fault.ContextOverflow, "too long"), 400, "invalid_request_error", "context_length_exceeded", nil},
		"memory":  {fault.New(fault.InsufficientMemory, "too large"), 507, "server_error", "insufficient_memory", map[string]string{"X-Should-Retry": "false"}},
		"two":     {fault.New(fault.ModelAmbiguous, "two files"), 409, "invalid_request_error", "model_ambiguous", map[string]string{"X-Should-Retry": "false"}},
	} {
		b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Say("queen-rbee", "start", "x"); s.Fail(c.fault) }}
		client := official(t, b, gateway.Options{})
		for _, stream := range []bool{false, true} {
			var err error
			if stream {
				s := client.Chat.Completions.NewStreaming(t.Context(), hi("demo"), option.WithMaxRetries(0))
				for s.Next() {
				}
				err = s.Err()
			} else {
				_, err = client.Chat.Completions.New(t.Context(), hi("demo"), option.WithMaxRetries(0))
			}
			var e *openai.Error
			if !errors.As(err, &e) {
				t.Fatalf("%s: %v", name, err)
			}
			if e.StatusCode != c.status || e.Type != c.kind || e.Code != c.code || e.Message != c.fault.Message {
				t.Errorf("%s, stream %v: %d %s", name, stream, e.StatusCode, e.RawJSON())
			}
			for k, v := range c.header {
				if got := e.Response.Header.Get(k); got != v {
					t.Errorf("%s: %s is %q, want %q", name, k, got, v)
				}
			}
		}
	}
}

func TestAnOverflowNamesTheFieldOfItsRoute(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Fail(fault.New(fault.ContextOverflow, "too long")) }}
	_, h, _ := serve(t, b, gateway.Options{})
	for path, c := range map[string]struct{ body, param string }{
		"/v1/chat/completions": {`{"model":"demo","messages":[{"role":"user","content":"a"}]}`, "messages"},
		"/v1/completions":      {`{"model":"demo","prompt":"a"}`, "prompt"},
		"/v1/embeddings":       {`{"model":"demo","input":"a"}`, "input"},
	} {
		if body := v1(t, h, path, c.body, 400); !strings.Contains(body, `"param":"`+c.param+`"`) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// The client tries again what may pass, and nothing else.
func TestOfficialClientRetriesOnlyWhatMayPass(t *testing.T) {
	for code, want := range map[fault.Code]int{fault.ModelAmbiguous: 1, fault.InsufficientVRAM: 1, fault.WorkerCrashed: 2} {
		b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Fail(fault.New(code, "no")) }}
		c := official(t, b, gateway.Options{})
		if _, err := c.Chat.Completions.New(t.Context(), hi("demo"), option.WithMaxRetries(1)); err == nil {
			t.Error("no error")
		}
		if n := len(b.Requests()); n != want {
			t.Errorf("%s: asked %d times, want %d", code, n, want)
		}
	}
}

func TestAFailureInsideAStreamIsAnEventAndNoDone(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens("half")
		for s.Credit() == 0 { // until it was sent
			select {
			case <-s.Cancelled:
				return
			default:
			}
		}
		s.Fail(fault.New(fault.WorkerCrashed, "the worker died").WithHint("look at the log"))
	}}
	c := official(t, b, gateway.Options{})
	s := c.Chat.Completions.NewStreaming(t.Context(), hi("demo"))
	text := ""
	for s.Next() {
		text += s.Current().Choices[0].Delta.Content
	}
	if text != "half" || s.Err() == nil || !strings.Contains(s.Err().Error(), "the worker died") {
		t.Errorf("text %q, error %v", text, s.Err())
	}
	_, h, _ := serve(t, b, gateway.Options{})
	body := v1(t, h, "/v1/chat/completions", `{"model":"demo","stream":true,"messages":[{"role":"user","content":"hi"}]}`, 200)
	if strings.Contains(body, "[DONE]") || !strings.Contains(body, `"rbee_code":"WORKER_CRASHED","hint":"look at the log"`) {
		t.Error(body)
	}
}

func TestOneFailureCancelsTheOtherChoices(t *testing.T) {
	cancelled := make(chan string, 2)
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		if s.Request.GetSampling().GetSeed() == 1 {
			s.Fail(fault.New(fault.WorkerCrashed, "gone"))
			return
		}
		<-s.Cancelled
		cancelled <- s.Reason()
	}}
	c := official(t, b, gateway.Options{})
	p := hi("demo")
	p.N, p.Seed = param.NewOpt[int64](3), param.NewOpt[int64](0)
	if _, err := c.Chat.Completions.New(t.Context(), p, option.WithMaxRetries(0)); err == nil {
		t.Error("no error")
	}
	for range 2 {
		if why := <-cancelled; why != "another answer to the same request failed" {
			t.Error(why)
		}
	}
}

func TestCompletionsEchoAndNumberTheirPrompts(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens(" and " + s.Request.GetPrompt())
		s.Done("length", 1)
	}}
	c := official(t, b, gateway.Options{})
	p := openai.CompletionNewParams{Model: "demo", Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{"a", "b"}}, Echo: param.NewOpt(true), N: param.NewOpt[int64](2)}
	got, err := c.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, one := range got.Choices {
		texts = append(texts, one.Text)
	}
	if strings.Join(texts, "|") != "a and a|a and a|b and b|b and b" || got.Usage.PromptTokens != 6 || got.Usage.CompletionTokens != 4 {
		t.Errorf("got %q %+v", texts, got.Usage)
	}
	s := c.Completions.NewStreaming(t.Context(), p)
	streamed := make([]string, 4)
	for s.Next() {
		one := s.Current().Choices[0]
		streamed[one.Index] += one.Text
	}
	if s.Err() != nil || strings.Join(streamed, "|") != strings.Join(texts, "|") {
		t.Errorf("streamed %q: %v", streamed, s.Err())
	}
	if g := b.Requests()[0]; !g.GetRaw() || g.GetPrompt() != "a" {
		t.Errorf("asked for %v", g)
	}
}

func TestBestOfGivesTheLikeliest(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		seed := s.Request.GetSampling().GetSeed()
		s.Event(gateway.Event{Tokens: &messages.Tokens{Pieces: []string{string(rune('a' + seed))}, Logprobs: []*messages.TokenLogprob{{Bytes: []byte("x"), Logprob: []float64{-2, -0.1, -1}[seed]}}}})
		s.Done("stop", 1)
	}}
	c := official(t, b, gateway.Options{})
	got, err := c.Completions.New(t.Context(), openai.CompletionNewParams{Model: "demo", Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfTokens: []int64{1, 2}},
		BestOf: param.NewOpt[int64](3), N: param.NewOpt[int64](2), Seed: param.NewOpt[int64](0)})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Choices) != 2 || got.Choices[0].Text != "b" || got.Choices[1].Text != "c" || len(got.Choices[0].Logprobs.Tokens) != 0 {
		t.Errorf("got %+v", got.Choices)
	}
	if g := b.Requests()[0]; len(g.GetPromptTokens()) != 2 {
		t.Errorf("asked for %v", g)
	}
}

func TestEmbeddingsHaveLengthOne(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		var all []*messages.Embedding
		for range s.Request.GetInputs() {
			all = append(all, &messages.Embedding{Values: []float32{3, 4}, Tokens: 2})
		}
		s.Event(gateway.Event{Done: &messages.Done{FinishReason: "stop", Embeddings: all}})
	}}
	c := official(t, b, gateway.Options{})
	p := openai.EmbeddingNewParams{Model: "demo", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}}}
	got, err := c.Embeddings.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Data) != 2 || got.Data[1].Index != 1 || math.Abs(got.Data[0].Embedding[0]-0.6) > 1e-6 || got.Usage.PromptTokens != 4 || got.Usage.TotalTokens != 4 {
		t.Errorf("got %+v", got)
	}
	_, h, _ := serve(t, b, gateway.Options{})
	if body := v1(t, h, "/v1/embeddings", `{"model":"demo","input":[1,2],"encoding_format":"base64"}`, 200); !strings.Contains(body, `"embedding":"mpkZP83MTD8="`) {
		t.Error(body)
	}
	p.Dimensions = param.NewOpt[int64](3)
	var e *openai.Error
	if _, err = c.Embeddings.New(t.Context(), p); !errors.As(err, &e) || e.StatusCode != 400 || e.Param != "dimensions" {
		t.Errorf("dimensions: %v", err)
	}
}

func TestModelsAreFoundByNamesWithSlashes(t *testing.T) {
	b := says()
	b.Rows = []*messages.WorkerState{{ModelRef: "hf:org/repo:Q4_K_M", ModelPath: "/m/repo.gguf"}, {ModelRef: "demo"}}
	c := official(t, b, gateway.Options{Models: func(context.Context) ([]gateway.ModelInfo, error) {
		return []gateway.ModelInfo{{ID: "demo", Source: "rbee"}, {ID: "tinyllama", Path: "/m/t.gguf", Source: "rbee"}}, nil
	}})
	page, err := c.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range page.Data {
		ids = append(ids, m.ID)
	}
	if strings.Join(ids, " ") != "demo tinyllama hf:org/repo:Q4_K_M" {
		t.Errorf("got %q", ids)
	}
	for _, id := range ids {
		if m, err := c.Models.Get(t.Context(), id); err != nil || m.ID != id || m.Object != "model" {
			t.Errorf("%s: %+v %v", id, m, err)
		}
	}
	var e *openai.Error
	if _, err := c.Models.Get(t.Context(), "hf:no/body"); !errors.As(err, &e) || e.StatusCode != 404 || e.Code != "model_not_found" {
		t.Errorf("unknown: %v", err)
	}
}

func TestAPlaceInLineIsInTheHeadersAndInComments(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Event(gateway.Event{Queued: &messages.Queued{Position: 3, Waiting: 9, EtaMs: 1500}})
		s.Event(gateway.Event{Queued: &messages.Queued{Position: 1, Waiting: 7, EtaMs: -1}})
		s.Tokens("x")
		s.Done("stop", 1)
	}}
	c := official(t, b, gateway.Options{})
	var raw *http.Response
	if _, err := c.Chat.Completions.New(t.Context(), hi("demo"), option.WithResponseInto(&raw)); err != nil {
		t.Fatal(err)
	}
	if raw.Header.Get("X-Rbee-Queue-Position") != "1" || raw.Header.Get("X-Rbee-Queue-Eta") != "2" {
		t.Errorf("headers %v", raw.Header)
	}
	_, h, _ := serve(t, b, gateway.Options{})
	body := v1(t, h, "/v1/chat/completions", `{"model":"demo","stream":true,"messages":[{"role":"user","content":"hi"}]}`, 200)
	if !strings.HasPrefix(body, ": queued 3 of 9, about 2 s\n: queued 1 of 7\ndata: {") {
		t.Error(body)
	}
}

func TestEverySettingArrives(t *testing.T) {
	b := says("x")
	c := official(t, b, gateway.Options{})
	p := openai.ChatCompletionNewParams{
		Model: "demo", Messages: []openai.ChatCompletionMessageParamUnion{
			openai.DeveloperMessage("be brief"),
			openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{openai.TextContentPart("one"), openai.TextContentPart("two")}),
			{OfAssistant: &openai.ChatCompletionAssistantMessageParam{ToolCalls: []openai.ChatCompletionMessageToolCallUnionParam{{OfFunction: &openai.ChatCompletionMessageFunctionToolCallParam{
				ID: "call_1", Function: openai.ChatCompletionMessageFunctionToolCallFunctionParam{Name: "f", Arguments: "{}"}}}}}},
			openai.ToolMessage("42", "call_1"),
		},
		MaxCompletionTokens: param.NewOpt[int64](9), Temperature: param.NewOpt(0.0), TopP: param.NewOpt(0.5), PresencePenalty: param.NewOpt(-1.0), FrequencyPenalty: param.NewOpt(2.0),
		Seed: param.NewOpt[int64](1 << 40), LogitBias: map[string]int64{"17": -100}, Stop: openai.ChatCompletionNewParamsStopUnion{OfString: param.NewOpt("END")},
		User: param.NewOpt("u"), Metadata: shared.Metadata{"a": "b"}, ReasoningEffort: "low",
		Tools:             []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "f", Parameters: shared.FunctionParameters{"type": "object"}})},
		ToolChoice:        openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "f"}),
		ParallelToolCalls: param.NewOpt(false),
	}
	for k, v := range map[string]any{"top_k": 7, "min_p": 0.25, "repetition_penalty": 1.5, "ignore_eos": true, "node": "any", "keep_alive": "10m", "chat_template_kwargs": map[string]any{"enable_thinking": false}, "deadline_ms": 5000, "no_such_field": []int{1}, "cache_prompt": true} {
		p.SetExtraFields(merge(p.ExtraFields(), k, v))
	}
	if _, err := c.Chat.Completions.New(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	g := b.Requests()[0]
	s := g.GetSampling()
	if s.GetTemperature() != 0 || s.GetTopP() != 0.5 || s.GetPresencePenalty() != -1 || s.GetFrequencyPenalty() != 2 || s.GetLogitBias()[17] != -100 || s.GetTopK() != 7 || s.GetMinP() != 0.25 ||
		s.GetRepeatPenalty() != 1.5 || s.GetSeed() == 0 {
		t.Errorf("sampling %v", s)
	}
	if g.GetMaxTokens() != 9 || g.GetStop()[0] != "END" || !g.GetIgnoreEos() || g.GetNode() != "any" || g.GetKeepAliveMs() != 600_000 || g.GetBudgetMs() != 5000 || g.GetRaw() {
		t.Errorf("got %v", g)
	}
	m := g.GetMessages()
	if m[0].GetRole() != "system" || m[1].GetContent() != "one\ntwo" || !strings.Contains(m[2].GetToolCallsJson(), `"call_1"`) || m[3].GetToolCallId() != "call_1" || m[3].GetRole() != "tool" {
		t.Errorf("messages %v", m)
	}
	o := g.GetChat()
	var args map[string]any
	if err := json.Unmarshal([]byte(o.GetTemplateArgsJson()), &args); err != nil || args["enable_thinking"] != false || args["reasoning_effort"] != "low" {
		t.Errorf("template arguments %s: %v", o.GetTemplateArgsJson(), err)
	}
	if o.GetToolChoice() != "f" || o.GetParallelToolCalls() || !strings.HasPrefix(o.GetToolsJson(), `[{"function":{"name":"f"`) {
		t.Errorf("chat options %v", o)
	}
}

func merge(m map[string]any, k string, v any) map[string]any {
	out := map[string]any{k: v}
	for k, v := range m {
		out[k] = v
	}
	return out
}
