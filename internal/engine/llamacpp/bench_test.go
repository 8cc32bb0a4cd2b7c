package llamacpp_test

import (
	"context"
	"slices"
	"testing"

	"rbee/internal/engine"
)

const benchTokens = 2000

// BenchmarkToken compares an answer of 2,000 tokens through the loop with the plain loop of the reference, on the
// demo model, where a step is short and everything around it shows. The two take turns, and medians are reported:
// a neighbour on the machine slows down both.
func BenchmarkToken(b *testing.B) {
	r := plainRequest{Model: demoModel, Text: "hello world", Tokens: benchTokens, Context: 2048, IgnoreEOS: true}
	m := load(b, engine.LoadOptions{Context: 2048, Threads: 1})
	var plain, ours []float64
	for b.Loop() {
		plain = append(plain, reference(b, r).TokenUS)
		res := generate(b, m, engine.Request{Prompt: r.Text, Raw: true, MaxTokens: benchTokens, IgnoreEOS: true}).result
		ours = append(ours, float64(res.Decode.Microseconds())/float64(res.CompletionTokens-1))
	}
	slices.Sort(plain)
	slices.Sort(ours)
	b.ReportMetric(plain[len(plain)/2], "plain-us/token")
	b.ReportMetric(ours[len(ours)/2], "ours-us/token")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStart shows what a worker pays before its first token: the libraries and the backends (of a fresh
// process), model and context.
func BenchmarkStart(b *testing.B) {
	r := plainRequest{Model: demoModel, Text: "hello world", Tokens: 2, Context: 2048}
	b.Run("plain", func(b *testing.B) {
		var sum plainAnswer
		for b.Loop() {
			a := reference(b, r)
			sum.LoadMS += a.LoadMS
			sum.InitMS += a.InitMS
			sum.ModelMS += a.ModelMS
			sum.ContextMS += a.ContextMS
		}
		n := float64(b.N)
		b.ReportMetric(sum.LoadMS/n, "libraries-ms")
		b.ReportMetric(sum.InitMS/n, "backends-ms")
		b.ReportMetric(sum.ModelMS/n, "model-ms")
		b.ReportMetric(sum.ContextMS/n, "context-ms")
		b.ReportMetric(0, "ns/op")
	})
	b.Run("load", func(b *testing.B) {
		e := open(b)
		for b.Loop() {
			m, err := e.Load(context.Background(), engine.LoadOptions{Path: demoModel, Context: 2048})
			if err != nil {
				b.Fatal(err)
			}
			m.Close()
		}
	})
}
