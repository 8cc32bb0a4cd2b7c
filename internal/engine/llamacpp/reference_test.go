package llamacpp_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// The reference is llama.cpp used in the plainest way: one prompt, one loop, llama.cpp's own defaults, nothing
// shared with this package. It runs as a process of its own: the test binary, called with this word.
const referenceCommand = "reference"

// plainRequest is what the reference is asked; text goes to the tokenizer as it is.
type plainRequest struct {
	Libraries, Model, Text   string
	Tokens, Context          int
	IgnoreEOS, Embed         bool
	OwnPooling               bool // the model's, not the mean
	Repeat, Temp, TopP, MinP float32
	Presence, Frequency      float32
	TopK, LastN              int32
	Seed                     uint32
}

func (r plainRequest) penalties() bool { return r.Repeat != 0 || r.Presence != 0 || r.Frequency != 0 }

// plainAnswer is what it found, and how long each part took.
type plainAnswer struct {
	Prompt, Tokens              []llama.Token
	Bytes                       []byte
	EndOfText                   bool
	Embedding                   []float32
	LoadMS, InitMS              float64 // opening the libraries; starting llama.cpp and its backends
	ModelMS, ContextMS, TokenUS float64 // loading the model; making a context; each answer token
}

// reference asks the reference process.
func reference(t testing.TB, r plainRequest) plainAnswer {
	t.Helper()
	r.Libraries = libraries
	question, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], referenceCommand, string(question))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the reference process: %v", err)
	}
	var a plainAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("the reference process said %q: %v", out, err)
	}
	return a
}

func referenceMain(args []string) int {
	var r plainRequest
	if err := json.Unmarshal([]byte(args[0]), &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	a, err := plainLoop(r)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(a)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		return 1
	}
	return 0
}

func plainLoop(r plainRequest) (plainAnswer, error) {
	var a plainAnswer
	t := time.Now()
	lap := func(ms *float64) { *ms = time.Since(t).Seconds() * 1e3; t = time.Now() }
	if err := llama.Load(r.Libraries); err != nil {
		return a, err
	}
	lap(&a.LoadMS)
	llama.LogSet(llama.LogSilent())
	llama.Init()
	lap(&a.InitMS)
	model, err := llama.ModelLoadFromFile(r.Model, llama.ModelDefaultParams())
	if err != nil {
		return a, err
	}
	lap(&a.ModelMS)
	params := llama.ContextDefaultParams()
	params.NCtx = uint32(r.Context)
	params.NThreads, params.NThreadsBatch = 1, 1
	if r.Embed {
		params.Embeddings, params.PoolingType = 1, llama.PoolingTypeMean
		if r.OwnPooling {
			params.PoolingType = llama.PoolingTypeUnspecified
		}
		params.NUbatch = params.NBatch // it pools what it computes at once
	}
	ctx, err := llama.InitFromModel(model, params)
	if err != nil {
		return a, err
	}
	lap(&a.ContextMS)
	vocab := llama.ModelGetVocab(model)
	a.Prompt = llama.Tokenize(vocab, r.Text, true, true)
	if r.Embed {
		if rc, err := llama.Decode(ctx, llama.BatchGetOne(slices.Clone(a.Prompt))); err != nil || rc != 0 {
			return a, fmt.Errorf("decode: %d, %v", rc, err)
		}
		a.Embedding, err = llama.GetEmbeddingsSeq(ctx, 0, llama.ModelNEmbd(model))
		return a, err
	}
	chain := plainChain(r, vocab)
	if r.penalties() {
		for _, p := range a.Prompt {
			llama.SamplerAccept(chain, p)
		}
	}
	batch := llama.BatchGetOne(slices.Clone(a.Prompt))
	piece := make([]byte, 256)
	for len(a.Tokens) < r.Tokens {
		if rc, err := llama.Decode(ctx, batch); err != nil || rc != 0 {
			return a, fmt.Errorf("decode: %d, %v", rc, err)
		}
		next := llama.SamplerSample(chain, ctx, -1)
		if len(a.Tokens) == 0 {
			t = time.Now()
		}
		if llama.VocabIsEOG(vocab, next) {
			a.EndOfText = true
			break
		}
		a.Tokens = append(a.Tokens, next)
		a.Bytes = append(a.Bytes, piece[:llama.TokenToPiece(vocab, next, piece, 0, false)]...)
		batch = llama.BatchGetOne([]llama.Token{next})
	}
	var ms float64
	lap(&ms)
	a.TokenUS = ms * 1e3 / float64(max(1, len(a.Tokens)-1))
	return a, nil
}

// plainChain is penalties, top-k, top-p, min-p, temperature, draw; or greedy.
func plainChain(r plainRequest, vocab llama.Vocab) llama.Sampler {
	chain := llama.SamplerChainInit(llama.SamplerChainDefaultParams())
	n := llama.VocabNTokens(vocab)
	if r.IgnoreEOS {
		var never []llama.LogitBias
		for t := range llama.Token(n) {
			if llama.VocabIsEOG(vocab, t) {
				never = append(never, llama.LogitBias{Token: t, Bias: float32(math.Inf(-1))})
			}
		}
		llama.SamplerChainAdd(chain, llama.SamplerInitLogitBias(n, int32(len(never)), &never[0]))
	}
	if r.penalties() {
		last, repeat := r.LastN, r.Repeat
		if last == 0 {
			last = 64
		}
		if repeat == 0 {
			repeat = 1
		}
		llama.SamplerChainAdd(chain, llama.SamplerInitPenalties(n, last, repeat, r.Frequency, r.Presence))
	}
	if r.Temp == 0 {
		llama.SamplerChainAdd(chain, llama.SamplerInitGreedy())
		return chain
	}
	llama.SamplerChainAdd(chain, llama.SamplerInitTopK(r.TopK))
	llama.SamplerChainAdd(chain, llama.SamplerInitTopP(r.TopP, 1))
	llama.SamplerChainAdd(chain, llama.SamplerInitMinP(r.MinP, 1))
	llama.SamplerChainAdd(chain, llama.SamplerInitTemp(r.Temp))
	llama.SamplerChainAdd(chain, llama.SamplerInitDist(r.Seed))
	return chain
}
