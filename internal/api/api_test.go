package api

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"rbee/internal/fault"
)

func ptr[T any](v T) *T { return &v }

// Every field's limits: the last value that is taken and the first that is not.
func TestValidateNamesFieldValueAndRange(t *testing.T) {
	ok := GenerateRequest{Model: "demo", Prompt: "hello"}
	for _, c := range []struct {
		name string
		edit func(*GenerateRequest)
		want string // "" = valid
	}{
		{"the least", func(r *GenerateRequest) {}, ""},
		{"no model", func(r *GenerateRequest) { r.Model = "" }, "model is empty, allowed is 1 to 4096 bytes of UTF-8 without control characters"},
		{"model with a line break", func(r *GenerateRequest) { r.Model = "a\nb" }, `model is "a\nb", allowed is 1 to`},
		{"model not UTF-8", func(r *GenerateRequest) { r.Model = "a\xff" }, `model is "a\xff", allowed`},
		{"long node in a list", func(r *GenerateRequest) { r.Node = "a," + strings.Repeat("n", 256) }, "... (256 bytes) in it, allowed is 1 to 255 bytes of UTF-8 without control characters, each"},
		{"no node in a list", func(r *GenerateRequest) { r.Node = "a,,b" }, "node is a list with empty in it"},
		{"control character in a node", func(r *GenerateRequest) { r.Node = "a\x1b" }, "node is \"a\\x1b\", allowed"},
		{"too many nodes", func(r *GenerateRequest) { r.Node = strings.Repeat("n,", 64) + "n" }, "node is a list of 65 nodes, allowed is up to 64"},
		{"long node", func(r *GenerateRequest) { r.Node = strings.Repeat("n", 256) }, "... (256 bytes), allowed is 1 to 255"},
		{"relative cwd", func(r *GenerateRequest) { r.Cwd = "x" }, `cwd is "x", allowed is an absolute path`},
		{"odd id", func(r *GenerateRequest) { r.ID = "a/b" }, `id is "a/b", allowed is up to 64 letters, digits, - and _`},
		{"no prompt", func(r *GenerateRequest) { r.Prompt = "" }, "prompt is empty, allowed is some text"},
		{"blank prompt", func(r *GenerateRequest) { r.Prompt = " \n" }, "prompt is empty, allowed is some text"},
		{"blank raw prompt", func(r *GenerateRequest) { r.Prompt, r.Raw = " ", true }, ""},
		{"NUL in prompt", func(r *GenerateRequest) { r.Prompt = "a\x00b" }, "prompt is text with a NUL at byte 1, allowed is text without NUL"},
		{"prompt not UTF-8", func(r *GenerateRequest) { r.Prompt = "a\xff" }, `prompt is "a\xff", allowed is UTF-8`},
		{"huge prompt", func(r *GenerateRequest) { r.Prompt = strings.Repeat("a", MaxTextBytes+1) }, "prompt is 4194305 bytes long, allowed is up to 4194304"},
		{"raw with system", func(r *GenerateRequest) { r.Raw, r.System = true, "s" }, `system is "s", allowed is nothing when the prompt is raw`},
		{"prompt and messages", func(r *GenerateRequest) { r.Messages = []Message{{"user", "x"}} }, `prompt is "hello", allowed is nothing when messages are given`},
		{"messages", func(r *GenerateRequest) { r.Prompt, r.Messages = "", []Message{{"user", "x"}} }, ""},
		{"messages, raw", func(r *GenerateRequest) { r.Prompt, r.Raw, r.Messages = "", true, []Message{{"user", "x"}} }, "raw is true, allowed is false"},
		{"odd role", func(r *GenerateRequest) { r.Prompt, r.Messages = "", []Message{{"robot", "x"}} }, `messages[0].role is "robot", allowed is system, user or assistant`},
		{"last message empty", func(r *GenerateRequest) { r.Prompt, r.Messages = "", []Message{{"user", ""}} }, "messages[0].content is empty"},
		{"max_tokens 1", func(r *GenerateRequest) { r.MaxTokens = ptr(int64(1)) }, ""},
		{"max_tokens 0", func(r *GenerateRequest) { r.MaxTokens = ptr(int64(0)) }, "max_tokens is 0, allowed is 1 to 1073741824"},
		{"temperature 0", func(r *GenerateRequest) { r.Temperature = ptr(0.) }, ""},
		{"temperature 2", func(r *GenerateRequest) { r.Temperature = ptr(2.) }, ""},
		{"temperature 2.01", func(r *GenerateRequest) { r.Temperature = ptr(2.01) }, "temperature is 2.01, allowed is 0 to 2"},
		{"temperature below", func(r *GenerateRequest) { r.Temperature = ptr(-0.5) }, "temperature is -0.5, allowed is 0 to 2"},
		{"temperature NaN", func(r *GenerateRequest) { r.Temperature = ptr(math.NaN()) }, "temperature is NaN, allowed is 0 to 2"},
		{"top_k 0", func(r *GenerateRequest) { r.TopK = ptr(int64(0)) }, ""},
		{"top_k below", func(r *GenerateRequest) { r.TopK = ptr(int64(-1)) }, "top_k is -1, allowed is 0 to 1000000"},
		{"top_p above", func(r *GenerateRequest) { r.TopP = ptr(1.1) }, "top_p is 1.1, allowed is 0 to 1"},
		{"min_p above", func(r *GenerateRequest) { r.MinP = ptr(1.1) }, "min_p is 1.1, allowed is 0 to 1"},
		{"repeat_penalty 0", func(r *GenerateRequest) { r.RepeatPenalty = ptr(0.) }, "repeat_penalty is 0, allowed is more than 0, up to 10"},
		{"the seed that llama.cpp replaces", func(r *GenerateRequest) { r.Seed = ptr(int64(0xFFFFFFFF)) }, "seed is 4294967295, allowed is 0 to 4294967294"},
		{"the seed below it", func(r *GenerateRequest) { r.Seed = ptr(int64(0xFFFFFFFE)) }, ""},
		{"a negative keep-alive", func(r *GenerateRequest) { r.KeepAlive = new(KeepAlive("-5m")) }, `keep_alive is "-5m", allowed is seconds or a duration`},
		{"empty stop", func(r *GenerateRequest) { r.Stop = []string{""} }, "stop is empty, allowed is 1 to 256 bytes"},
		{"many stops", func(r *GenerateRequest) { r.Stop = make([]string, 17) }, "stop is 17 strings, allowed is up to 16"},
		{"context 0", func(r *GenerateRequest) { r.Context = ptr(int64(0)) }, "context is 0, allowed is 1 to 16777216"},
		{"threads 0", func(r *GenerateRequest) { r.Threads = ptr(int64(0)) }, "threads is 0, allowed is 1 to 512"},
		{"more threads than ggml takes", func(r *GenerateRequest) { r.Threads = ptr(int64(513)) }, "threads is 513, allowed is 1 to 512"},
		{"backend", func(r *GenerateRequest) { r.Backend = "GPU!" }, `backend is "GPU!", allowed is cpu, cuda, vulkan or metal`},
		{"device without number", func(r *GenerateRequest) { r.Device = "cuda" }, `device is "cuda", allowed is a number`},
		{"device", func(r *GenerateRequest) { r.Backend, r.Device = "cuda", "cuda:1" }, ""},
		{"device of another backend", func(r *GenerateRequest) { r.Backend, r.Device = "cpu", "cuda:1" }, `device is "cuda:1", allowed is a device of the backend cpu`},
		{"gpu_layers 0", func(r *GenerateRequest) { r.GPULayers = ptr(int64(0)) }, ""},
		{"gpu_layers below", func(r *GenerateRequest) { r.GPULayers = ptr(int64(-1)) }, "gpu_layers is -1, allowed is 0 to 1048576"},
		{"deadline 0", func(r *GenerateRequest) { r.DeadlineMS = ptr(int64(0)) }, "deadline_ms is 0, allowed is 1 to 604800000"},
		{"grace 0", func(r *GenerateRequest) { r.GraceMS = ptr(int64(0)) }, ""},
		{"grace below", func(r *GenerateRequest) { r.GraceMS = ptr(int64(-1)) }, "grace_ms is -1, allowed is 0 to 600000"},
		{"traceparent", func(r *GenerateRequest) { r.Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }, ""},
		{"traceparent of zeros", func(r *GenerateRequest) {
			r.Traceparent = "00-00000000000000000000000000000000-b7ad6b7169203331-01"
		}, "traceparent is "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := ok
			c.edit(&r)
			err := r.Validate()
			if c.want == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want ...%s...", err, c.want)
			}
			var f *FieldError
			if !errors.As(err, &f) || f.Fault().Code != fault.InvalidRequest || f.Fault().Details["field"] == "" {
				t.Fatalf("%v is no INVALID_REQUEST with its field", err)
			}
		})
	}
}

// events reads a whole stream through r.
func events(r io.Reader) (all []Event, err error) {
	s := &Stream{body: io.NopCloser(r), sse: newSSEReader(r)}
	for {
		e, err := s.Next()
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
}

func TestStreamReadsWhatAppendWrote(t *testing.T) {
	var b []byte
	b = AppendEvent(b, KindNarration, Narration{Source: "worker", Text: "loading", Kind: "load", Progress: 0.5})
	b = AppendKeepalive(b)
	b = AppendEvent(b, "of a later version", map[string]int{"x": 1})
	b = AppendToken(b, "tok")
	b = AppendToken(b, "\"\\\n\u2028é")
	b = AppendEvent(b, KindDone, Done{FinishReason: "stop", Seed: 7, Usage: Usage{CompletionTokens: 2}})
	b = AppendEvent(b, KindSpans, SpansData([]byte{1, 2, 3}))

	for name, r := range map[string]io.Reader{
		"at once":          strings.NewReader(string(b)),
		"byte by byte":     iotest.OneByteReader(strings.NewReader(string(b))),
		"with CRLF":        strings.NewReader(strings.ReplaceAll(string(b), "\n", "\r\n")),
		"error with bytes": iotest.DataErrReader(strings.NewReader(string(b))),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := events(r)
			if err != io.EOF || len(got) != 5 {
				t.Fatalf("%d events, %v; want 5 and EOF", len(got), err)
			}
			if got[0].Narration.Progress != 0.5 || got[1].Text != "tok" || got[2].Text != "\"\\\n\u2028é" {
				t.Errorf("got %+v", got[:3])
			}
			if got[3].Done.Seed != 7 || string(got[4].Spans) != "\x01\x02\x03" {
				t.Errorf("got %+v", got[3:])
			}
		})
	}
}

func TestStreamThatEndsEarlyIsAnError(t *testing.T) {
	if _, err := events(strings.NewReader(string(AppendToken(nil, "x")))); err != io.ErrUnexpectedEOF {
		t.Fatalf("got %v, want unexpected EOF: there was no terminal event", err)
	}
}

func TestStreamBoundsAnEvent(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("data: "), neverEnding('a'))
	if _, err := events(endless); !errors.Is(err, errEventTooLarge) {
		t.Errorf("one line: got %v", err)
	}
	lines := io.MultiReader(strings.NewReader(strings.Repeat("data: "+strings.Repeat("a", 1000)+"\n", maxEventBytes/1000+1)), neverEnding('a'))
	if _, err := events(lines); !errors.Is(err, errEventTooLarge) {
		t.Errorf("many lines: got %v", err)
	}
}

type neverEnding byte

func (n neverEnding) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(n)
	}
	return len(b), nil
}

func TestWaitingSeesWholeEventsOnly(t *testing.T) {
	tok := string(AppendToken(nil, "x"))
	r := newSSEReader(strings.NewReader(tok + string(AppendKeepalive(nil)) + tok[:len(tok)-1]))
	if _, _, err := r.next(); err != nil {
		t.Fatal(err)
	}
	if r.waiting() {
		t.Fatal("a keepalive and half an event are waiting, and next would block on them")
	}
}

func FuzzSSE(f *testing.F) {
	f.Add([]byte("event: token\ndata: {\"text\":\"a\"}\n\n"))
	f.Add([]byte("data: {\ndata: }\n\nevent: error\ndata: {}\n\n:\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, err1 := events(strings.NewReader(string(b)))
		bytewise, err2 := events(iotest.OneByteReader(strings.NewReader(string(b))))
		if len(whole) != len(bytewise) || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%d events (%v) at once, %d (%v) byte by byte", len(whole), err1, len(bytewise), err2)
		}
		for _, e := range whole {
			if e.Kind == KindError && e.Error.Error == nil {
				t.Fatal("an error event without an error")
			}
		}
	})
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\r\t\x00\x1f\x7f", "é\u2028\U0001F41D", "\xff\xc3", "a\xed\xa0\x80b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil {
			t.Fatalf("%q became %s: %v", s, AppendString(nil, s), err)
		}
		reference, _ := json.Marshal(s)
		var want string
		_ = json.Unmarshal(reference, &want)
		if got != want {
			t.Fatalf("got %q, encoding/json makes %q", got, want)
		}
		if back, err := events(strings.NewReader(string(AppendToken(nil, s)))); err != io.ErrUnexpectedEOF || back[0].Text != want {
			t.Fatalf("token %q came back as %+v (%v)", s, back, err)
		}
	})
}

func BenchmarkAppendToken(b *testing.B) {
	buf := make([]byte, 0, 256)
	for b.Loop() {
		buf = AppendToken(buf[:0], " hello")
	}
}

func BenchmarkReadToken(b *testing.B) {
	r, w := io.Pipe()
	go func() {
		var chunk []byte
		for range 100 {
			chunk = AppendToken(chunk, " hello")
		}
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}()
	s := &Stream{body: r, sse: newSSEReader(r)}
	for b.Loop() {
		if _, err := s.Next(); err != nil {
			b.Fatal(err)
		}
		s.Waiting()
	}
	r.Close()
}
