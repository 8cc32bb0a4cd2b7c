package llamacpp

import (
	"fmt"
	"testing"
)

func TestAPromptIsCutAtMultiplesOf512AndIntoNoShortTail(t *testing.T) {
	for _, c := range []struct {
		total, chunk int
		want         string
	}{
		{1, 64, "[1]"},
		{63, 64, "[63]"},
		{127, 64, "[127]"},
		{128, 64, "[64 64]"},
		{130, 64, "[64 66]"},
		{512, 64, "[64 64 64 64 64 64 64 64]"},
		{520, 64, "[64 64 64 64 64 64 64 64 8]"}, // llama.cpp's own cut leaves 8 too
		{600, 64, "[64 64 64 64 64 64 64 64 88]"},
		{1100, 512, "[512 512 76]"},
	} {
		var got []int
		for fed := 0; fed < c.total; fed += got[len(got)-1] {
			n := nextChunk(fed, c.total, c.chunk)
			if n < 1 || n > microBatch(c.chunk) {
				t.Fatalf("a chunk of %d at %d of %d", n, fed, c.total)
			}
			got = append(got, n)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%d tokens by %d: %v, want %s", c.total, c.chunk, got, c.want)
		}
	}
}
