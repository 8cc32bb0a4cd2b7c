package gateway

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"time"

	"github.com/oklog/ulid/v2"

	"rbee/internal/api"
	"rbee/internal/keepalive"
	"rbee/messages"
)

// toGenerate makes the message that goes down the tree, with every default filled in. Credit is left to the
// backend, which knows its windows.
func toGenerate(r *api.GenerateRequest) *messages.Generate {
	g := &messages.Generate{
		Id:    r.ID,
		Node:  r.Node,
		Model: &messages.ModelRef{Ref: r.Model, Cwd: r.Cwd, ModelsDir: r.ModelsDir, EnvModelsDir: r.EnvModelsDir, NoPull: r.NoPull, Push: r.Push},
		Load: &messages.LoadOptions{Context: or(r.Context, 0), Threads: or(r.Threads, 0), Backend: r.Backend, Device: r.Device,
			GpuLayers: r.GPULayers, Worker: r.Worker},
		Raw: r.Raw,
		Sampling: &messages.Sampling{
			Temperature:   or(r.Temperature, api.DefaultTemperature),
			TopK:          or(r.TopK, api.DefaultTopK),
			TopP:          or(r.TopP, api.DefaultTopP),
			MinP:          or(r.MinP, api.DefaultMinP),
			RepeatPenalty: or(r.RepeatPenalty, api.DefaultRepeatPenalty),
		},
		MaxTokens:   or(r.MaxTokens, 0),
		Stop:        r.Stop,
		IgnoreEos:   r.IgnoreEOS,
		NoContinue:  r.NoContinue,
		BudgetMs:    or(r.DeadlineMS, 0),
		GraceMs:     or(r.GraceMS, api.DefaultGraceMS),
		Traceparent: r.Traceparent,
		Attempt:     1,
	}
	if r.KeepAlive != nil {
		g.KeepAliveMs = new(keepalive.Millis(r.KeepAlive.Duration()))
	}
	if g.Id == "" {
		g.Id = ulid.Make().String()
	}
	if g.Node == "" {
		g.Node = api.DefaultNode
	}
	if r.Seed != nil {
		g.Sampling.Seed = uint32(*r.Seed)
	} else {
		g.Sampling.Seed = randomSeed()
	}
	switch {
	case r.Raw:
		g.Prompt = r.Prompt
	case len(r.Messages) > 0:
		for _, m := range r.Messages {
			g.Messages = append(g.Messages, &messages.ChatMessage{Role: m.Role, Content: m.Content})
		}
	default:
		if r.System != "" {
			g.Messages = append(g.Messages, &messages.ChatMessage{Role: "system", Content: r.System})
		}
		g.Messages = append(g.Messages, &messages.ChatMessage{Role: "user", Content: r.Prompt})
	}
	return g
}

func or[T any](p *T, otherwise T) T {
	if p != nil {
		return *p
	}
	return otherwise
}

// randomSeed is shown to the user, who can then ask for the same answer again.
func randomSeed() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	return min(binary.LittleEndian.Uint32(b[:]), api.MaxSeed)
}

func toDone(d *messages.Done, seed uint32) api.Done {
	return api.Done{
		Usage:        toUsage(d.GetUsage()),
		Timings:      toTimings(d.GetTimings()),
		FinishReason: d.GetFinishReason(),
		Seed:         seed,
		Continued:    d.GetContinued(),
		Plan:         toPlan(d.GetPlan()),
		Disk:         toReport(d.GetDisk()),
	}
}

func toUsage(u *messages.Usage) api.Usage {
	return api.Usage{
		PromptTokens:     u.GetPromptTokens(),
		CompletionTokens: u.GetCompletionTokens(),
		CachedTokens:     u.GetCachedTokens(),
	}
}

func toTimings(t *messages.Timings) api.Timings {
	return api.Timings{
		LoadMS:          finite(t.GetLoadMs()),
		QueueMS:         finite(t.GetQueueMs()),
		PrefillMS:       finite(t.GetPrefillMs()),
		DecodeMS:        finite(t.GetDecodeMs()),
		TTFTMS:          finite(t.GetTtftMs()),
		TokensPerSecond: finite(t.GetTokensPerSecond()),
	}
}

// finite keeps a division by zero somewhere below out of JSON, which has no word for it.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

func rows(ws []*messages.WorkerState) []api.Worker {
	out := make([]api.Worker, len(ws))
	for i, w := range ws {
		out[i] = api.Worker{
			ID: w.GetId(), Address: w.GetAddress(), Node: w.GetNode(),
			Model: w.GetModelRef(), ModelPath: w.GetModelPath(), Backend: w.GetBackend(), Device: w.GetDevice(),
			State: w.GetState(), Reason: w.GetReason(),
			LastActivity: time.Unix(0, w.GetLastActivityUnixNano()).UTC(),
			SlotsTotal:   w.GetSlotsTotal(), SlotsAvailable: w.GetSlotsAvailable(),
			PID: w.GetPid(), Started: time.Unix(0, w.GetStartedUnixNano()).UTC(),
			Context: w.GetContext(), Threads: w.GetThreads(), MemoryBytes: w.GetMemoryBytes(),
		}
	}
	return out
}
