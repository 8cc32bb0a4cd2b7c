package gbnf

import (
	"strings"
	"unicode/utf8"

	"rbee/internal/fault"
)

type parser struct {
	text     string
	pos      int
	depth    int
	elements int // counted so far, repetitions written out
	names    int // rules so far, those that llama.cpp makes up included
	rules    map[string]Node
	at       map[string]int // where each rule begins
}

// maxShown bounds what an error repeats of a grammar, in bytes.
const maxShown = 200

// stop is how the parser leaves its recursion; Parse turns it into an error.
type stop struct{ err *fault.Error }

func (p *parser) fail(format string, args ...any) {
	line := 1 + strings.Count(p.text[:min(p.pos, len(p.text))], "\n")
	for i, a := range args { // a rule's name may be as long as the grammar
		if s, ok := a.(string); ok && len(s) > maxShown {
			args[i] = strings.ToValidUTF8(s[:maxShown], "") + "..."
		}
	}
	err := fault.New(fault.InvalidRequest, "the grammar, line %d: "+format, append([]any{line}, args...)...)
	panic(stop{err.With("field", "grammar").With("line", line)})
}

// Parse reads a grammar and checks what Check says.
func Parse(text string) (g *Grammar, err error) {
	p := &parser{text: text, rules: map[string]Node{}, at: map[string]int{}}
	defer func() {
		if r := recover(); r != nil {
			s, ok := r.(stop)
			if !ok {
				panic(r)
			}
			g, err = nil, s.err
		}
	}()
	if len(text) > MaxBytes {
		p.fail("it has %d bytes: there may be %d", len(text), MaxBytes)
	}
	if !utf8.ValidString(text) {
		p.fail("it is not UTF-8")
	}
	if at := strings.IndexByte(text, 0); at >= 0 {
		p.pos = at
		p.fail("it has a zero byte")
	}
	p.space(true)
	for p.pos < len(p.text) {
		p.rule()
	}
	if _, ok := p.rules[Root]; !ok {
		p.fail("it has no rule %q", Root)
	}
	p.checkRules()
	return &Grammar{Rules: p.rules}, nil
}

func (p *parser) rule() {
	start := p.pos
	name := p.name()
	p.at[name] = start
	p.space(false)
	if !strings.HasPrefix(p.text[p.pos:], "::=") {
		p.fail("expected ::= after the rule name %q", name)
	}
	p.pos += 3
	p.space(true)
	p.rules[name] = p.alternatives(false)
	if p.names++; len(p.rules) > MaxRules {
		p.fail("it has more than %d rules", MaxRules)
	}
	switch p.peek() {
	case 0:
	case '\r', '\n':
		p.space(true)
	case '<', '!':
		p.fail("tokens (%q) cannot be named in a grammar: write their text", string(p.peek()))
	default:
		p.fail("unexpected %q", p.text[p.pos:min(p.pos+10, len(p.text))])
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// space skips blanks and comments; newlines only where a rule may go on in the next line.
func (p *parser) space(newline bool) {
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == ' ', c == '\t', newline && (c == '\r' || c == '\n'):
		case c == '#':
			for p.pos+1 < len(p.text) && p.text[p.pos+1] != '\r' && p.text[p.pos+1] != '\n' {
				p.pos++
			}
		default:
			return
		}
	}
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || '0' <= c && c <= '9'
}

func (p *parser) name() string {
	start := p.pos
	for wordByte(p.peek()) {
		p.pos++
	}
	if start == p.pos {
		p.fail("expected a rule name: letters, digits and - only")
	}
	return p.text[start:p.pos]
}

func (p *parser) count(n int) {
	if p.elements += n; p.elements > MaxElements {
		p.fail("with its repetitions written out it has more than %d elements", MaxElements)
	}
}
