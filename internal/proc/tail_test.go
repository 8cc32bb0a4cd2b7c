package proc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanOutputIsSafeForAMessage(t *testing.T) {
	for in, want := range map[string]string{
		"plain\ttext ä":            "plain\ttext ä",
		"\x1b[31mred\x1b[0m\x00\r": "[31mred[0m",
		"\u009bC1\u0085":           "C1",
		"half \xc3":                "half \uFFFD",
		"":                         "",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestCleanOutputIsBounded(t *testing.T) {
	for name, in := range map[string]string{
		"text":                strings.Repeat("x", 3*maxLine),
		"broken every second": strings.Repeat("\xffx", maxLine),
		"cut in a character":  strings.Repeat("x", maxLine-1) + "ä",
	} {
		if got := Clean(in); len(got) > maxLine || !utf8.ValidString(got) || len(got) < maxLine/2 {
			t.Errorf("%s: %d bytes, valid %v", name, len(got), utf8.ValidString(got))
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[1mb\xff")
	f.Fuzz(func(t *testing.T, in string) {
		got := Clean(in)
		control := func(r rune) bool { return unicode.IsControl(r) && r != '\t' }
		if !utf8.ValidString(got) || strings.ContainsFunc(got, control) || len(got) > maxLine || Clean(got) != got {
			t.Errorf("%q becomes %q", in, got)
		}
	})
}

func TestATailKeepsTheLastLines(t *testing.T) {
	tail := NewTail(3)
	for i := range 10 {
		tail.Add(fmt.Sprint(i))
	}
	got := tail.Lines()
	tail.Add("later")
	if !slices.Equal(got, []string{"7", "8", "9"}) || !slices.Equal(tail.Lines(), []string{"8", "9", "later"}) {
		t.Errorf("%q, %q", got, tail.Lines())
	}
}

func TestLinesOfAChildAreCutCleanedAndNeverLost(t *testing.T) {
	var got []string
	long := strings.Repeat("x", 2*maxLine+5)
	EachLine(strings.NewReader("one\r\n\n"+long+"\n\x1btwo\nlast"), func(l string) { got = append(got, l) })
	if want := []string{"one", long[:maxLine], long[:maxLine], long[:5], "two", "last"}; !slices.Equal(got, want) {
		t.Errorf("%d lines, %.40q", len(got), got)
	}
}
