package install

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"rbee/internal/proc"
)

// How much a node may say: login scripts print up to 64 KiB, and our own lines are few and short.
const (
	maxSaid = 96 << 10
	maxLine = 4 << 10
)

// frames reads a script's marked lines, and skips everything else.
type frames struct {
	r     *bufio.Reader
	mark  string
	left  int    // bytes that may still come
	begun bool   // a marked line was seen
	noise string // the last line that was not ours, cleaned
}

func newFrames(r io.Reader, nonce string) *frames {
	return &frames{r: bufio.NewReaderSize(r, maxLine), mark: "rbee:" + nonce + " ", left: maxSaid}
}

// next returns the next marked line without its mark, cleaned. io.EOF is the end of the output; another error says
// that too much was printed. The unfinished line at the end and lines longer than maxLine are noise.
func (f *frames) next() (string, error) {
	long := false
	for {
		part, err := f.r.ReadSlice('\n')
		if f.left -= len(part); f.left < 0 {
			return "", fmt.Errorf("more than %d KiB were printed that are none of ours", maxSaid>>10)
		}
		if err == bufio.ErrBufferFull {
			long = true
			continue
		}
		if err != nil {
			return "", io.EOF // how a session broke is said by its exit
		}
		line := strings.TrimRight(string(part), "\r\n")
		if text, ok := strings.CutPrefix(line, f.mark); ok && !long {
			f.begun = true
			return proc.Clean(text), nil
		}
		if line != "" {
			f.noise = proc.Clean(line)
		}
		long = false
	}
}
