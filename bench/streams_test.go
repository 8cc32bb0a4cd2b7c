package bench

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/engine/llamacpp"
	"rbee/internal/gguf"
	"rbee/internal/models/benchmodel"
)

// What both sides of the comparison do: so many streams of so many tokens after a prompt of that many tokens, each in
// cells of its own, on so many threads.
const (
	streamPrompt  = 32
	streamTokens  = 48
	streamContext = 256
)

var streamThreads = max(1, runtime.GOMAXPROCS(0)-1)

const (
	streamsOurs, streamsBare = "streams-ours", "streams-bare"
	streamsOf                = "RBEE_BENCH_STREAMS" // how many
)

func init() {
	roles[streamsOurs] = func() int { return measureOnDemand(oursDecodes) }
	roles[streamsBare] = func() int { return measureOnDemand(bareDecodes) }
}

// BenchmarkStreams is decoding on a model of the 1.1B shape: through the engine's loop, with requests that come one by
// one, against a bare program that does nothing but decode the same number of sequences with the same libraries and
// threads. Both hold the model in a process of their own and take turns of some seconds. Goals: 98 % for one stream,
// 95 % for eight.
func BenchmarkStreams(b *testing.B) {
	model := filepath.Join(b.TempDir(), "bench.gguf")
	if err := benchmodel.Write(model, gguf.Q4_0); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 8} {
		goal := map[int]float64{1: 98, 8: 95}[n]
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) {
			ours, bare := startStreams(b, streamsOurs, model, n), startStreams(b, streamsBare, model, n)
			for b.Loop() {
				var speed, cpu [2][]float64
				for range max(3, *runs/4) {
					for i, side := range []*streams{ours, bare} {
						p := side.measure(b)
						speed[i], cpu[i] = append(speed[i], p.speed), append(cpu[i], p.cpu)
					}
				}
				for i, side := range []string{"ours", "bare"} {
					b.ReportMetric(middle(speed[i]), side+"-tok/s")
					b.ReportMetric(middle(cpu[i]), side+"-cpu-ms/tok")
				}
				share := 100 * middle(speed[0]) / middle(speed[1])
				b.ReportMetric(share, "%")
				// On a busy machine both sides get what is left, and this still says something: work, not time.
				b.ReportMetric(100*slices.Min(cpu[1])/slices.Min(cpu[0]), "cpu-%")
				atLeast(b, fmt.Sprintf("tokens/s of %d streams on one worker, of what a bare program makes", n), "%", goal, share)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// streams is a process that measures when it is told to.
type streams struct {
	in  *os.File
	out *bufio.Scanner
}

func startStreams(b *testing.B, as, model string, n int) *streams {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = append(os.Environ(), role+"="+as, "RBEE_BENCH_MODEL="+model, fmt.Sprintf("%s=%d", streamsOf, n))
	var stderr strings.Builder
	c.Stderr = &stderr
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	c.Stdin = r
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	r.Close()
	b.Cleanup(func() {
		w.Close()
		if err := c.Wait(); err != nil {
			b.Errorf("%s: %v\n%s", as, err, stderr.String())
		}
	})
	s := &streams{w, bufio.NewScanner(out)}
	s.measure(b) // warm
	return s
}

func (s *streams) measure(b *testing.B) (p pace) {
	b.Helper()
	fmt.Fprintln(s.in)
	if !s.out.Scan() {
		b.Fatal("the process that measures has ended")
	}
	if _, err := fmt.Sscan(s.out.Text(), &p.speed, &p.cpu); err != nil {
		b.Fatalf("it says %q", s.out.Text())
	}
	return p
}

// pace is how fast tokens came, in tokens a second, and what each took of the processor, in milliseconds. The second
// says something on a busy machine too.
type pace struct{ speed, cpu float64 }

// moment is when a token came, on both clocks.
type moment struct {
	at  time.Time
	cpu time.Duration
}

func now() moment { return moment{time.Now(), ownCPU()} }

func paceOf(tokens int, from, to moment) pace {
	return pace{float64(tokens) / to.at.Sub(from.at).Seconds(), ms(to.cpu-from.cpu) / float64(tokens)}
}

// measureOnDemand makes a measurement for each line of standard input.
func measureOnDemand(prepare func(dir, model string, n int) (func() (pace, error), error)) int {
	var n int
	fmt.Sscan(os.Getenv(streamsOf), &n)
	exe, _ := os.Executable()
	dir, err := enginelib.Find(os.Getenv, exe)
	if err == nil {
		var measure func() (pace, error)
		if measure, err = prepare(dir, os.Getenv("RBEE_BENCH_MODEL"), n); err == nil {
			for in := bufio.NewScanner(os.Stdin); err == nil && in.Scan(); {
				var p pace
				if p, err = measure(); err == nil {
					fmt.Println(p.speed, p.cpu)
				}
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// streamToken is token i of the prompt of a stream; no two streams begin alike.
func streamToken(stream, i int) int32 { return int32(1000 + 997*stream + 31*i) }

func oursDecodes(dir, model string, n int) (func() (pace, error), error) {
	e, err := llamacpp.Open(llamacpp.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	m, err := e.Load(context.Background(), engine.LoadOptions{Path: model, Slots: n, Context: streamContext, Threads: streamThreads})
	if err != nil {
		return nil, err
	}
	return func() (pace, error) {
		made := make([][]moment, n)
		errs := make([]error, n)
		var all sync.WaitGroup
		for i := range n {
			prompt := make([]int32, streamPrompt)
			for j := range prompt {
				prompt[j] = streamToken(i, j)
			}
			all.Go(func() {
				_, errs[i] = m.Generate(context.Background(), engine.Request{Tokens: prompt, MaxTokens: streamTokens + n, IgnoreEOS: true}, func(ev engine.Event) error {
					if ev.Prefill == nil && ev.Token != engine.NoToken {
						made[i] = append(made[i], now())
					}
					return nil
				})
			})
		}
		all.Wait()
		var from, to moment // while all of them decode
		for i := range n {
			if errs[i] != nil {
				return pace{}, errs[i]
			}
			if first := made[i][0]; first.at.After(from.at) {
				from = first
			}
			if last := made[i][len(made[i])-1]; to.at.IsZero() || last.at.Before(to.at) {
				to = last
			}
		}
		tokens := 0
		for _, of := range made {
			for _, m := range of {
				if m.at.After(from.at) && !m.at.After(to.at) {
					tokens++
				}
			}
		}
		return paceOf(tokens, from, to), nil
	}, nil
}

func bareDecodes(dir, model string, n int) (func() (pace, error), error) {
	runtime.LockOSThread()
	if err := llama.Load(dir); err != nil {
		return nil, err
	}
	llama.LogSet(llama.LogSilent())
	llama.Init()
	weights, err := llama.ModelLoadFromFile(model, llama.ModelDefaultParams())
	if err != nil {
		return nil, err
	}
	p := llama.ContextDefaultParams()
	p.NCtx, p.NSeqMax = uint32(n*streamContext), uint32(n)
	p.NThreads, p.NThreadsBatch = int32(streamThreads), int32(streamThreads)
	ctx, err := llama.InitFromModel(weights, p)
	if err != nil {
		return nil, err
	}
	memory, err := llama.GetMemory(ctx)
	if err != nil {
		return nil, err
	}
	vocab := llama.ModelGetVocab(weights)
	chain := llama.SamplerChainInit(llama.SamplerChainDefaultParams())
	llama.SamplerChainAdd(chain, llama.SamplerInitGreedy())
	batch := llama.BatchInit(int32(n*streamPrompt), 0, 1)
	next := make([]llama.Token, n)
	piece := make([]byte, 256)
	decode := func() error {
		if rc, err := llama.Decode(ctx, batch); err != nil || rc != 0 {
			return fmt.Errorf("decode: %d, %v", rc, err)
		}
		return nil
	}
	return func() (pace, error) {
		llama.MemoryClear(memory, false)
		batch.Clear()
		for s := range n {
			for i := range streamPrompt {
				batch.Add(llama.Token(streamToken(s, i)), llama.Pos(i), []llama.SeqId{llama.SeqId(s)}, i == streamPrompt-1)
			}
		}
		if err := decode(); err != nil {
			return pace{}, err
		}
		for s := range n {
			next[s] = llama.SamplerSample(chain, ctx, int32((s+1)*streamPrompt-1))
		}
		began := now()
		for i := range streamTokens {
			batch.Clear()
			for s := range n {
				batch.Add(next[s], llama.Pos(streamPrompt+i), []llama.SeqId{llama.SeqId(s)}, true)
			}
			if err := decode(); err != nil {
				return pace{}, err
			}
			for s := range n {
				next[s] = llama.SamplerSample(chain, ctx, int32(s))
				llama.TokenToPiece(vocab, next[s], piece, 0, false)
			}
		}
		return paceOf(n*streamTokens, began, now()), nil
	}, nil
}
