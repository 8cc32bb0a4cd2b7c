package gbnf

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

func (p *parser) literal() Node {
	p.pos++
	var l Literal
	for p.peek() != '"' {
		if p.pos >= len(p.text) {
			p.fail("a text is not closed")
		}
		l = append(l, p.char())
		p.count(1)
	}
	p.pos++
	return l
}

func (p *parser) class() Node {
	p.pos++
	var c Class
	if p.peek() == '^' {
		c.Negated = true
		p.pos++
	}
	for p.peek() != ']' {
		if p.pos >= len(p.text) {
			p.fail("a character class is not closed")
		}
		r := Range{Low: p.char()}
		r.High = r.Low
		if p.peek() == '-' && !strings.HasPrefix(p.text[p.pos:], "-]") {
			p.pos++
			if p.pos >= len(p.text) {
				p.fail("a character class is not closed")
			}
			r.High = p.char()
		}
		if r.Low > r.High {
			p.fail("a range of characters from %q to %q", r.Low, r.High)
		}
		c.Ranges = append(c.Ranges, r)
		p.count(2)
	}
	p.pos++
	if len(c.Ranges) == 0 {
		p.fail("an empty character class")
	}
	return c
}

var escapes = map[byte]rune{'t': '\t', 'r': '\r', 'n': '\n', '\\': '\\', '"': '"', '[': '[', ']': ']'}

func (p *parser) char() rune {
	if p.peek() != '\\' {
		r, n := utf8.DecodeRuneInString(p.text[p.pos:])
		p.pos += n
		return r
	}
	if p.pos+1 >= len(p.text) {
		p.fail("nothing stands behind a \\")
	}
	c := p.text[p.pos+1]
	if r, ok := escapes[c]; ok {
		p.pos += 2
		return r
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	end := p.pos + 2 + digits
	if digits == 0 || end > len(p.text) {
		p.fail("unknown escape \\%c", c)
	}
	v, err := strconv.ParseUint(p.text[p.pos+2:end], 16, 32)
	if err != nil || v > utf8.MaxRune {
		p.fail("no character has the number %q", p.text[p.pos+2:end])
	}
	p.pos = end
	return rune(v)
}
