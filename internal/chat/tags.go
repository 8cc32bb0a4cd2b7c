package chat

import (
	"errors"
	"fmt"
	"strings"
)

// tag is one {{ }}, {% %} or {# #} of a template, or the text between two.
type tag struct {
	kind       byte   // '{', '%', '#', or 0 for text
	body       string // without the marks
	trimBefore string // "-", "+" or ""
	trimBehind string
}

// word is the statement's name: for, if, set ...
func (t tag) word() string {
	if t.kind != '%' {
		return ""
	}
	w, _, _ := strings.Cut(strings.TrimSpace(t.body), " ")
	w, _, _ = strings.Cut(w, "\n")
	return w
}

// rest is what follows the statement's name.
func (t tag) rest() string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(t.body), t.word()))
}

// split cuts a template into tags. A mark inside a string of the template's language is none.
func split(source string) ([]tag, error) {
	var out []tag
	for source != "" {
		at := opening(source)
		if at < 0 {
			return append(out, tag{body: source}), nil
		}
		if at > 0 {
			out = append(out, tag{body: source[:at]})
		}
		t, n, err := readTag(source[at:])
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		source = source[at+n:]
		if t.word() == "raw" {
			return nil, errors.New("raw blocks are not supported")
		}
	}
	return out, nil
}

// opening returns where the next tag begins, -1 if there is none.
func opening(s string) int {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && strings.IndexByte("{%#", s[i+1]) >= 0 {
			return i
		}
	}
	return -1
}

func readTag(s string) (tag, int, error) {
	t := tag{kind: s[1]}
	closing := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[t.kind]
	i := 2
	if i < len(s) && (s[i] == '-' || s[i] == '+' && t.kind == '%') {
		t.trimBefore, i = s[i:i+1], i+1
	}
	start := i
	depth := 0 // of braces: }} may end a dict in an expression
	for i < len(s) {
		c := s[i]
		switch {
		case t.kind != '#' && (c == '"' || c == '\''):
			end := stringEnd(s, i)
			if end < 0 {
				return t, 0, errors.New("a string is not closed")
			}
			i = end
			continue
		case strings.HasPrefix(s[i:], closing) && depth <= 0:
			t.body = s[start:i]
			if n := len(t.body); n > 0 && (t.body[n-1] == '-' || t.body[n-1] == '+' && t.kind == '%') {
				t.body, t.trimBehind = t.body[:n-1], t.body[n-1:]
			}
			return t, i + 2, nil
		case t.kind == '{' && c == '{':
			depth++
		case t.kind == '{' && c == '}':
			depth--
		}
		i++
	}
	return t, 0, fmt.Errorf("%q is not closed", s[:min(len(s), 20)])
}

// stringEnd returns the place behind the string that begins at i, -1 if it has no end.
func stringEnd(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		}
	}
	return -1
}
