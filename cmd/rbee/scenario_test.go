package main

import (
	"cmp"
	"fmt"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/gateway/gatewaytest"
)

// scenarios are the answers that the scripts ask for by name.
var scenarios = map[string]func(s *gatewaytest.Stream){
	"hello": func(s *gatewaytest.Stream) {
		s.Say("queen-rbee", "start", "starting hive on localhost")
		for _, t := range []string{"hello", " world", " from", " a", " tiny", " llama"} {
			s.Tokens(t)
		}
		s.Done("stop", 6)
	},
	// echo answers with what it was asked.
	"echo": func(s *gatewaytest.Stream) {
		g, p, load := s.Request, s.Request.GetSampling(), s.Request.GetLoad()
		for _, m := range g.GetMessages() {
			s.Tokens(fmt.Sprintf("%s: %q\n", m.GetRole(), m.GetContent()))
		}
		s.Tokens(fmt.Sprintf("prompt: %q raw=%v\n", g.GetPrompt(), g.GetRaw()))
		s.Tokens(fmt.Sprintf("sampling: temperature=%v top_k=%v top_p=%v min_p=%v repeat_penalty=%v seed=%v stop=%q\n",
			p.GetTemperature(), p.GetTopK(), p.GetTopP(), p.GetMinP(), p.GetRepeatPenalty(), p.GetSeed(), g.GetStop()))
		s.Tokens(fmt.Sprintf("limits: max_tokens=%d ctx=%d threads=%d ignore_eos=%v deadline=%v grace=%d\n",
			g.GetMaxTokens(), load.GetContext(), load.GetThreads(), g.GetIgnoreEos(), g.GetBudgetMs() > 0, g.GetGraceMs()))
		layers := "all"
		if load.GpuLayers != nil {
			layers = fmt.Sprint(load.GetGpuLayers())
		}
		s.Tokens(fmt.Sprintf("device: backend=%s device=%s gpu_layers=%s\n", load.GetBackend(), load.GetDevice(), layers))
		s.Tokens(fmt.Sprintf("node: %s\n", g.GetNode()))
		s.Tokens(fmt.Sprintf("model: %s cwd=%s dir=%s\n", g.GetModel().GetRef(), g.GetModel().GetCwd(), cmp.Or(g.GetModel().GetModelsDir(), g.GetModel().GetEnvModelsDir())))
		if g.GetModel().GetPush() {
			s.Tokens("pushed\n")
		}
		s.Done("stop", 2)
	},
	// wait goes on until it is cancelled.
	"wait": func(s *gatewaytest.Stream) {
		s.Tokens("one", " two")
		<-s.Cancelled
		s.Done("cancelled", 2)
	},
	// stubborn does not stop when it is cancelled.
	"stubborn": func(s *gatewaytest.Stream) {
		s.Tokens("one", " two")
		select {}
	},
	"crash": func(s *gatewaytest.Stream) {
		s.Tokens("par", "tial")
		s.Fail(fault.New(fault.WorkerCrashed, "the worker died (signal: segmentation fault) after 2 of 10 tokens").
			WithHint("its last lines are in the log"))
	},
	"missing": func(s *gatewaytest.Stream) {
		s.Fail(fault.New(fault.ModelNotFound, "there is no model %q, 2 are there: demo, tinyllama", s.Request.GetModel().GetRef()).
			WithHint("name one of them"))
	},
	"escape": func(s *gatewaytest.Stream) {
		s.Say("worker", "warn", "evil \x1b[2J narration")
		s.Tokens("evil \x1b[2J text")
		s.Done("stop", 1)
	},
	// disk answers about the disk of a node.
	"disk": playDisk,
	// flood says more than any pipe holds, until it is cancelled.
	"flood": func(s *gatewaytest.Stream) {
		line := strings.Repeat("x", 1<<16) + "\n"
		for range 200 {
			s.Tokens(line)
		}
		<-s.Cancelled
	},
}
