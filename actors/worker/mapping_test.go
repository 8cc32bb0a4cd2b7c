package worker

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/proto"

	"rbee/internal/engine"
	"rbee/internal/engine/enginetest"
	"rbee/internal/fault"
	"rbee/messages"
)

// A field that is forgotten on the way is zero in the engine's request.
func TestEveryFieldOfARequestReachesTheEngine(t *testing.T) {
	g := &messages.Generate{
		Prompt: "p", PromptTokens: []int32{1}, Raw: true, MaxTokens: 2, Stop: []string{"s"}, IgnoreEos: true,
		Messages: []*messages.ChatMessage{{Role: "r", Content: "c", Name: "n", ToolCallId: "i", ToolCallsJson: "[]"}},
		Chat:     &messages.ChatOptions{ToolsJson: "[1]", ToolChoice: "x", TemplateArgsJson: "{}", ParallelToolCalls: true},
		Resume:   &messages.Resume{Tokens: []int32{3}, SentBytes: 4},
		Sampling: &messages.Sampling{Temperature: 0.5, TopK: 6, TopP: 0.7, MinP: 0.08, RepeatPenalty: 1.9, Seed: 10, PresencePenalty: 1.1,
			FrequencyPenalty: 1.2, RepeatLastN: 13, LogitBias: map[int32]float32{14: 1.4}, TopLogprobs: proto.Int64(15), Grammar: "g"},
	}
	var look func(path string, v reflect.Value)
	look = func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("%s is lost", path)
		}
		switch v.Kind() {
		case reflect.Pointer:
			look(path, v.Elem())
		case reflect.Slice:
			for i := range v.Len() {
				look(path, v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				look(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		}
	}
	look("Request", reflect.ValueOf(engineRequest(g)))
	if s := engineSampling(&messages.Sampling{}); s.TopLogprobs != nil {
		t.Error("log probabilities that nobody asked for")
	}
	if s := engineSampling(&messages.Sampling{TopLogprobs: proto.Int64(0)}); s.TopLogprobs == nil {
		t.Error("those of no alternatives are lost")
	}
}

func TestToolsAreToldTheirFormat(t *testing.T) {
	i := engine.Info{ToolFormat: "hermes"}
	if got := toolFormat(&messages.Generate{}, i); got != "" {
		t.Errorf("%q without tools", got)
	}
	if got := toolFormat(&messages.Generate{Chat: &messages.ChatOptions{ToolsJson: "[]"}}, i); got != "hermes" {
		t.Errorf("%q", got)
	}
}

// answer runs one request on a fake.
func answer(t *testing.T, g *messages.Generate) (tokens []*messages.Tokens, done *messages.Done) {
	t.Helper()
	tokens, done, failed := all(t, g)
	if failed != nil {
		t.Fatal(failed)
	}
	return tokens, done
}

// all answers g, or says why not.
func all(t *testing.T, g *messages.Generate) (tokens []*messages.Tokens, done *messages.Done, failed *messages.Failed) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := enginetest.New(enginetest.Script{}).Load(t.Context(), engine.LoadOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	hear := func(m proto.Message) {
		if t, ok := m.(*messages.Tokens); ok {
			tokens = append(tokens, t)
		}
	}
	r := &request{Generate: g, cancel: func(error) {}, out: newOutbox(&messages.Accepted{Id: "r"}, g.GetMaxTokens(), 1000, hear)}
	if done, failed = r.run(context.Background(), m, noop.NewTracerProvider().Tracer("")); failed == nil {
		r.rest(hear)
	}
	return tokens, done, failed
}

func TestEachPieceHasItsLogProbabilityIfAskedFor(t *testing.T) {
	tokens, _ := answer(t, &messages.Generate{Prompt: "x", MaxTokens: 5, Stop: []string{"4!"}, Sampling: &messages.Sampling{TopLogprobs: proto.Int64(2)}})
	held := false
	for _, m := range tokens {
		if len(m.GetLogprobs()) != len(m.GetPieces()) {
			t.Fatalf("%d log probabilities for %d pieces", len(m.GetLogprobs()), len(m.GetPieces()))
		}
		for i, l := range m.GetLogprobs() {
			if l.GetId() != m.GetIds()[i] || l.GetId() != engine.NoToken && (len(l.GetTop()) != 2 || l.GetLogprob() >= 0) {
				t.Errorf("token %d: %v", m.GetIds()[i], l)
			}
			held = held || l.GetId() == engine.NoToken
		}
	}
	if !held {
		t.Error("nothing was held back: the case of a piece without a token is not seen")
	}
	tokens, _ = answer(t, &messages.Generate{Prompt: "x", MaxTokens: 5, Sampling: &messages.Sampling{}})
	for _, m := range tokens {
		if len(m.GetLogprobs()) > 0 {
			t.Errorf("log probabilities that nobody asked for: %v", m)
		}
	}
}

func TestEmbeddingsComeWithTheEnd(t *testing.T) {
	tokens, done := answer(t, &messages.Generate{Embed: true, Inputs: []*messages.EmbedInput{{Text: "one two"}, {Tokens: []int32{1, 2, 3, 4}}}})
	if len(tokens) > 0 || len(done.GetEmbeddings()) != 2 || done.GetFinishReason() != engine.FinishStop {
		t.Fatalf("%v, %v", tokens, done)
	}
	if e := done.GetEmbeddings(); len(e[0].GetValues()) == 0 || e[1].GetTokens() != 4 || done.GetUsage().GetPromptTokens() != e[0].GetTokens()+4 {
		t.Errorf("%v", done)
	}
}

// A Done is one message: what would not fit the link must be refused at once, not lost on the way.
func TestEmbeddingsThatFitNoMessageAreRefused(t *testing.T) {
	for _, c := range []struct {
		inputs, length int
		refused        bool
	}{{2048, 1024, false}, {2048, 3072, false}, {2049, 3072, true}, {2048, 8192, true}, {768, 8192, false}, {1, 0, false}} {
		f := tooMany(c.inputs, c.length)
		if (f != nil) != c.refused {
			t.Errorf("%d inputs of %d numbers: %v", c.inputs, c.length, f)
		}
		if f != nil && (f.Code != fault.InvalidRequest || f.Details["field"] != "input") {
			t.Errorf("%+v", f)
		}
	}
	many := make([]*messages.EmbedInput, maxVectors/4+1) // more than fit, whatever the engine's length
	if _, _, failed := all(t, &messages.Generate{Embed: true, Inputs: many}); failed.GetError().GetCode() != string(fault.InvalidRequest) {
		t.Errorf("%v", failed)
	}
}
