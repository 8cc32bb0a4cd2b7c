package proc

import (
	"bufio"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// maxLine bounds one line of a child's stderr: a hostile or broken child may never send a newline.
const maxLine = 8 << 10

// Tail keeps the last lines of a child's stderr for an error message. It is safe for concurrent use.
type Tail struct {
	mu    sync.Mutex
	lines []string
	keep  int
}

// NewTail keeps the last n lines.
func NewTail(n int) *Tail { return &Tail{keep: n} }

// Add appends a line, cleaned.
func (t *Tail) Add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == t.keep {
		copy(t.lines, t.lines[1:])
		t.lines = t.lines[:t.keep-1]
	}
	t.lines = append(t.lines, line)
}

// Lines returns what is kept, oldest first.
func (t *Tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

// Clean makes foreign output safe for a message: valid UTF-8, no control characters, at most maxLine bytes.
func Clean(s string) string {
	s = cut(s)
	if utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	return cut(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))) // which may have made it longer
}

// cut cuts s to maxLine bytes, before a character that would not fit.
func cut(s string) string {
	if len(s) <= maxLine {
		return s
	}
	n := maxLine
	for n > maxLine-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// EachLine reads r to its end and calls f with every line, cleaned; a line longer than 8 KiB arrives in parts.
func EachLine(r io.Reader, f func(line string)) {
	b := bufio.NewReaderSize(r, maxLine)
	for {
		part, err := b.ReadSlice('\n')
		if s := strings.TrimRight(string(part), "\r\n"); s != "" {
			f(Clean(s))
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}
