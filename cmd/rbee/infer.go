package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rbee/internal/api"
	"rbee/internal/keepalive"
	"rbee/internal/proc"
	"rbee/supervisor"
)

// inferFlags are the flags of infer, as typed.
type inferFlags struct {
	node, model, system, modelsDir, queen, socket string
	prompt, promptFile, trace                     string
	stop                                          []string
	backend, device, worker                       string
	maxTokens, topK, seed, context, threads       int64
	gpuLayers                                     int64
	temperature, topP, minP, repeatPenalty        float64
	deadline, grace, lease, stall, load           time.Duration
	raw, ignoreEOS, json, quiet, timings, noPull  bool
	push                                          bool
	noContinue                                    bool
	keepAlive                                     time.Duration
	plan                                          bool // the request only asks what would be done
	chat                                          bool // more requests follow
}

func newInfer(t *terminal, p parts, cfg *settings) *cobra.Command {
	var f inferFlags
	c := &cobra.Command{
		Use:   "infer --model MODEL [--prompt TEXT | --prompt-file FILE | -]",
		Short: "Answer one prompt: tokens on stdout, everything else on stderr",
		Long: `infer answers one prompt. Tokens go to stdout as they are made; what happens meanwhile goes to stderr.

If a daemon is running it is used. Otherwise the whole tree of processes is started for this one answer and
stopped after it. Ctrl-C cancels the answer, keeps what was printed, and stops the tree; a second one kills it.

--lease, --stall and --load-timeout are for a tree that is started; a daemon has its own.`,
		Example: `  rbee infer --model demo --prompt "hello world"
  rbee infer --model tinyllama --prompt-file question.txt --max-tokens 200
  git diff | rbee infer --model qwen --system "Review this change." -
  rbee infer --node mac,box --model tinyllama --prompt hi
  rbee infer --node mac --push --model ./mine.gguf --prompt hi
  rbee infer --model demo --prompt hi --json | jq -r 'select(.type=="done").text'`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "-" {
				return nil
			}
			if len(args) > 0 {
				return f.misused(t, p, cfg, usagef("infer takes no arguments but -, and got %q", args[0]).hint(`did you mean --prompt %q?`, args[0]))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := cfg.pass(); err != nil {
				return err
			}
			i := newInference(t, p, cfg.env, f)
			return i.exit(i.run(f.source(c, args), func(prompt string) (api.GenerateRequest, error) {
				return i.flags.request(c, t, cfg, prompt)
			}))
		},
	}
	fl := c.Flags()
	fl.SortFlags = false
	f.placeFlags(fl)
	fl.StringVarP(&f.prompt, "prompt", "p", "", "the prompt; - reads it from stdin")
	fl.StringVar(&f.promptFile, "prompt-file", "", "read the prompt from a file")
	fl.BoolVar(&f.raw, "raw", false, "give the model the prompt as it is, without its chat template")
	f.answerFlags(fl)
	fl.BoolVar(&f.ignoreEOS, "ignore-eos", false, "go on after end of text")
	fl.DurationVar(&f.deadline, "deadline", 0, "give up after this time, start included (default: none)")
	fl.BoolVar(&f.json, "json", false, "write JSON Lines to stdout")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "only the answer, and errors")
	fl.BoolVar(&f.timings, "timings", false, "show where the time went")
	fl.StringVar(&f.trace, "trace", "", "write the trace to a file, as OTLP JSON lines")
	f.treeFlags(fl)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return f.misused(t, p, cfg, flagError(c, err)) })
	_ = c.RegisterFlagCompletionFunc("node", nodeList(p, cfg)) // an error only if there were no such flag
	_ = c.RegisterFlagCompletionFunc("model", completeModels(t, cfg))
	return c
}

// answerFlags are the flags that shape an answer.
func (f *inferFlags) answerFlags(fl *pflag.FlagSet) {
	fl.StringVar(&f.system, "system", "", "a system message before the prompt")
	fl.Int64Var(&f.maxTokens, "max-tokens", 0, "end after so many tokens (default: end of text or context)")
	fl.Float64Var(&f.temperature, "temperature", api.DefaultTemperature, "0 to 2; 0 always takes the likeliest token")
	fl.Int64Var(&f.topK, "top-k", api.DefaultTopK, "draw from the k likeliest tokens; 0 is off")
	fl.Float64Var(&f.topP, "top-p", api.DefaultTopP, "draw from the likeliest tokens that make up p; 1 is off")
	fl.Float64Var(&f.minP, "min-p", api.DefaultMinP, "leave out tokens less likely than p times the likeliest; 0 is off")
	fl.Float64Var(&f.repeatPenalty, "repeat-penalty", api.DefaultRepeatPenalty, "make the last 64 tokens less likely; 1 is off")
	fl.Int64Var(&f.seed, "seed", 0, "for the same answer again (default: random, shown at the end)")
	fl.StringArrayVar(&f.stop, "stop", nil, "end before this text; may be repeated")
	fl.Var(keepalive.Flag{Value: &f.keepAlive}, "keep-alive", "how long a daemon keeps the worker after this answer; 0 = not at all, -1 = never (default: the daemon's)")
	fl.Lookup("keep-alive").DefValue = "" // its zero value means that it was not given, and not 0s
	fl.BoolVar(&f.noContinue, "no-continue", false, "if the worker is lost, fail with what was printed instead of going on with another")
}

// treeFlags are the flags that name a queen, or say how patient the tree is that is started instead.
func (f *inferFlags) treeFlags(fl *pflag.FlagSet) {
	fl.DurationVar(&f.grace, "grace", api.DefaultGraceMS*time.Millisecond, "what a worker gets to stop before it is killed")
	fl.DurationVar(&f.lease, "lease", supervisor.DefaultLease, "a process of the tree that is silent for so long is dead (default also: $RBEE_LEASE)")
	fl.DurationVar(&f.stall, "stall", time.Minute, "a worker that makes no token for so long is given up")
	fl.DurationVar(&f.load, "load-timeout", 5*time.Minute, "a model whose load makes no progress for so long is given up")
	fl.StringVar(&f.queen, "queen", "", "use the queen at this socket, and no other (default: $RBEE_QUEEN)")
	fl.StringVar(&f.socket, "socket", "", "where to look for a daemon (default: $RBEE_SOCKET, $XDG_RUNTIME_DIR/rbee/queen.sock)")
}

// placeFlags are the flags that say what runs where, and how it is loaded.
func (f *inferFlags) placeFlags(fl *pflag.FlagSet) {
	fl.StringVarP(&f.model, "model", "m", "", "demo, a short name (tinyllama), a name in the model directory, hf:org/repo, ollama:name:tag, or a path")
	fl.StringVarP(&f.node, "node", "n", "", "where to run: a node, several with commas, or any (default: the config's default_node, localhost)")
	fl.Int64Var(&f.context, "ctx", 0, "context in tokens (default: what the model was trained for, 4096 at most)")
	fl.Int64Var(&f.threads, "threads", 0, "threads to compute with (default: physical cores - 1)")
	fl.StringVar(&f.backend, "backend", "", "compute on this: cpu, cuda, vulkan or metal (default: the best that the model fits)")
	fl.StringVar(&f.device, "device", "", "the device: cpu:0, cuda:1, or its number in the backend (default: the one with most free memory)")
	fl.Int64Var(&f.gpuLayers, "gpu-layers", 0, "layers of the model on the GPU, the rest on the CPU (default: all)")
	fl.StringVar(&f.worker, "worker", "", "the kind of worker: rbee node detect lists those of a node (default: the config's default_worker, llama.cpp)")
	fl.StringVar(&f.modelsDir, "models-dir", "", "where models are (default: $RBEE_MODELS_DIR, .test-models, the cache)")
	fl.BoolVar(&f.noPull, "no-pull", false, "do not download a model that is not there")
	fl.BoolVar(&f.push, "push", false, "send this machine's copy to a node that lacks the model, instead of a download")
}

// misused is a command line that could not be read. A program that wants JSON Lines gets them then too, wherever
// --json stands: what is behind the mistake was not read.
func (f *inferFlags) misused(t *terminal, p parts, cfg *settings, mistake error) error {
	f.json = f.json || slices.Contains(t.args, "--json") || slices.Contains(t.args, "--json=true")
	if !f.json {
		return mistake
	}
	i := newInference(t, p, cfg.env, *f)
	return i.exit(i.run(promptSource{text: "unread", given: true}, func(string) (api.GenerateRequest, error) {
		return api.GenerateRequest{}, mistake
	}))
}

func (f *inferFlags) source(c *cobra.Command, args []string) promptSource {
	return promptSource{
		text: f.prompt, given: c.Flags().Changed("prompt"),
		file: f.promptFile, hasFile: c.Flags().Changed("prompt-file"),
		dash: len(args) == 1, raw: f.raw,
	}
}

// request makes the request of the flags and checks it. What was not given stays nil: defaults are the queen's.
func (f *inferFlags) request(c *cobra.Command, t *terminal, cfg *settings, prompt string) (api.GenerateRequest, error) {
	if f.model == "" {
		return api.GenerateRequest{}, usagef("--model is missing").hint("for instance --model demo, which is built in")
	}
	if c.Flags().Changed("node") && f.node == "" {
		return api.GenerateRequest{}, usagef("--node is empty, allowed is a node, several with commas, or any").hint("leave it out for the default")
	}
	if err := f.times(c, t.getenv); err != nil {
		return api.GenerateRequest{}, err
	}
	node, err := cfg.node(f.node)
	if err != nil {
		return api.GenerateRequest{}, err
	}
	worker, err := cfg.worker(f.worker)
	if err != nil {
		return api.GenerateRequest{}, err
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "" // a deleted folder: only relative paths need it
	}
	absolute := func(dir string) string {
		if dir == "" || filepath.IsAbs(dir) {
			return dir
		}
		return filepath.Join(cwd, dir)
	}
	r := api.GenerateRequest{
		ID: ulid.Make().String(), Model: f.model, Node: node, Cwd: cwd, ModelsDir: absolute(f.modelsDir), EnvModelsDir: absolute(t.getenv("RBEE_MODELS_DIR")), NoPull: f.noPull, Push: f.push,
		Prompt: prompt, System: f.system, Raw: f.raw,
		MaxTokens:     given(c, "max-tokens", f.maxTokens),
		Temperature:   given(c, "temperature", f.temperature),
		TopK:          given(c, "top-k", f.topK),
		TopP:          given(c, "top-p", f.topP),
		MinP:          given(c, "min-p", f.minP),
		RepeatPenalty: given(c, "repeat-penalty", f.repeatPenalty),
		Seed:          given(c, "seed", f.seed),
		Stop:          f.stop,
		IgnoreEOS:     f.ignoreEOS,
		NoContinue:    f.noContinue,
		Context:       given(c, "ctx", f.context),
		Threads:       given(c, "threads", f.threads),
		Backend:       f.backend,
		Device:        f.device,
		GPULayers:     given(c, "gpu-layers", f.gpuLayers),
		Worker:        worker,
		GraceMS:       given(c, "grace", f.grace.Milliseconds()),
	}
	if c.Flags().Changed("keep-alive") {
		r.KeepAlive = new(api.KeepAlive(keepalive.Flag{Value: &f.keepAlive}.String()))
	}
	if err := r.Validate(); err != nil {
		var e *api.FieldError
		if !errors.As(err, &e) {
			return r, err
		}
		u := e.Fault()
		u.Message = e.Text(flagName(e.Field))
		return r, usageError{u}.hint("rbee infer --help lists all flags")
	}
	return r, nil
}

// times checks the durations in the unit they were typed in.
func (f *inferFlags) times(c *cobra.Command, getenv func(string) string) error {
	const most = api.MaxDeadlineMS * time.Millisecond
	if c.Flags().Changed("deadline") && (f.deadline < time.Millisecond || f.deadline > most) {
		return usagef("--deadline is %v, allowed is 1ms to %v", f.deadline, most)
	}
	const mostGrace = api.MaxGraceMS * time.Millisecond
	if f.grace < 0 || f.grace > mostGrace {
		return usagef("--grace is %v, allowed is 0s to %v", f.grace, mostGrace)
	}
	if f.stall < time.Second || f.stall > time.Hour {
		return usagef("--stall is %v, allowed is 1s to 1h", f.stall)
	}
	if f.load < time.Second || f.load > 24*time.Hour {
		return usagef("--load-timeout is %v, allowed is 1s to 24h", f.load)
	}
	lease := "--lease is " + f.lease.String()
	if env := getenv(proc.EnvLease); env != "" && !c.Flags().Changed("lease") {
		lease = proc.EnvLease + " is " + strconv.Quote(env)
		f.lease, _ = time.ParseDuration(env) // 0 if it is none
	}
	if f.lease < 500*time.Millisecond || f.lease > time.Hour {
		return usagef("%s, allowed is 500ms to 1h", lease)
	}
	return nil
}

func given[T any](c *cobra.Command, name string, v T) *T {
	if !c.Flags().Changed(name) {
		return nil
	}
	return &v
}

// flagName is the flag behind a field of the request.
func flagName(field string) string {
	switch field {
	case "context":
		return "--ctx"
	case "cwd":
		return "the working directory"
	}
	b := []byte("--" + field)
	for i, c := range b {
		if c == '_' {
			b[i] = '-'
		}
	}
	return string(b)
}
