package treetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rbee/internal/api"
	"rbee/internal/fit"
	"rbee/internal/fit/here"
	"rbee/internal/gguf"
	"rbee/internal/models/benchmodel"
)

// The estimate is held to what workers of a daemon really occupy when they have read a prompt of more than one full
// batch. The shapes are small, and each makes another part of the sum the large one. (None has one layer only: of the
// last layer llama.cpp computes just the tokens that are sampled from.)
func TestTreeAWorkerOccupiesWhatWasEstimated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		shape          benchmodel.Shape
		context, slots int64
	}{
		{"weights that are repacked", benchmodel.Shape{Layers: 6, Width: 1024, Heads: 16, KVHeads: 4, FeedForward: 2816, Vocabulary: 4096, Context: 8192, Quant: gguf.Q4_0}, 512, 1},
		{"weights used as they are", benchmodel.Shape{Layers: 4, Width: 1024, Heads: 16, KVHeads: 4, FeedForward: 2816, Vocabulary: 4096, Context: 8192, Quant: gguf.F16}, 0, 1},
		{"keys and values of four slots", benchmodel.Shape{Layers: 4, Width: 512, Heads: 8, KVHeads: 8, FeedForward: 512, Vocabulary: 512, Context: 8192, Quant: gguf.Q8_0}, 3000, 4},
		{"a context that is no whole number of cells", benchmodel.Shape{Layers: 4, Width: 512, Heads: 8, KVHeads: 8, FeedForward: 512, Vocabulary: 512, Context: 32768, Quant: gguf.Q8_0}, 12001, 1},
		{"a wide layer", benchmodel.Shape{Layers: 2, Width: 512, Heads: 16, KVHeads: 4, FeedForward: 8192, Vocabulary: 512, Context: 8192, Quant: gguf.Q4_0}, 4096, 2},
		{"a large vocabulary", benchmodel.Shape{Layers: 2, Width: 256, Heads: 4, KVHeads: 4, FeedForward: 512, Vocabulary: 64000, Context: 8192, Quant: gguf.Q8_0}, 1024, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.gguf")
			if err := benchmodel.WriteTiny(path, c.shape); err != nil {
				t.Fatal(err)
			}
			h, err := gguf.Check(path)
			if err != nil {
				t.Fatal(err)
			}
			d := startDaemon(t, real, nil, "--slots", fmt.Sprint(c.slots))
			prompt := strings.Repeat("w300 ", 60) // some four tokens each
			flags := []string{"--model", path, "--prompt", prompt, "--raw", "--max-tokens", "2"}
			if c.context > 0 {
				flags = append(flags, "--ctx", fmt.Sprint(c.context))
			}
			d.ask(0, "", flags...)
			workers, err := api.NewClient(api.DialUnix(d.socket)).Workers(context.Background())
			if err != nil || len(workers) != 1 {
				t.Fatalf("workers %v, error %v", workers, err)
			}
			got := resident(t, workers[0].PID)
			need := fit.Estimate(h, fit.Load{Context: c.context, Slots: c.slots, CPU: here.CPU()})
			off := float64(need.Host.Total()-got) / float64(got) * 100
			t.Logf("estimated %.1f MB %+v, measured %.1f MB: %+.1f %%", float64(need.Host.Total())/1e6, need.Host, float64(got)/1e6, off)
			if off < -10 || off > 10 {
				t.Errorf("estimated %d, measured %d: %+.1f %%, allowed is 10", need.Host.Total(), got, off)
			}
			d.stop(0)
		})
	}
}

// resident is what a process occupies, in bytes, read from its page tables.
func resident(t *testing.T, pid int64) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(b, []byte("\nRss:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		t.Fatalf("no Rss in %s", b)
	}
	kb, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
