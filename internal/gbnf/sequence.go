package gbnf

import "strconv"

func (p *parser) alternatives(nested bool) Node {
	alt := Alt{p.sequence(nested)}
	for p.peek() == '|' {
		p.pos++
		p.space(true)
		p.count(1)
		alt = append(alt, p.sequence(nested))
	}
	if len(alt) == 1 {
		return alt[0]
	}
	return alt
}

func (p *parser) sequence(nested bool) Node {
	var seq Seq
	var size, rules int // of the last item, as llama.cpp counts them
	for {
		names, elements := p.names, p.elements
		switch c := p.peek(); {
		case c == '"':
			seq = append(seq, p.literal())
		case c == '[':
			seq = append(seq, p.class())
		case c == '.':
			p.pos++
			seq = append(seq, Any{})
		case wordByte(c):
			seq = append(seq, Ref(p.name()))
		case c == '(':
			seq = append(seq, p.group())
		case c == '*', c == '+', c == '?', c == '{':
			if len(seq) == 0 {
				p.fail("nothing stands before %q", string(c))
			}
			r := p.repeat(nested)
			r.Node = seq[len(seq)-1]
			seq[len(seq)-1] = r
			rules = p.repeated(r, size, rules)
			p.space(nested)
			continue
		default:
			if len(seq) == 1 {
				return seq[0]
			}
			return seq
		}
		p.space(nested)
		p.count(1)
		size, rules = p.elements-elements, 1
		if p.names > names { // a group is a reference to a rule made up for it
			size, rules = 1, p.names-names
		}
	}
}

func (p *parser) group() Node {
	if p.depth++; p.depth > MaxNesting {
		p.fail("more than %d parentheses inside each other", MaxNesting)
	}
	p.pos++
	p.space(true)
	p.names++
	n := p.alternatives(true)
	if p.peek() != ')' {
		p.fail("expected )")
	}
	p.pos++
	p.depth--
	return n
}

func (p *parser) repeat(nested bool) Repeat {
	c := p.peek()
	p.pos++
	switch c {
	case '*':
		return Repeat{Min: 0, Max: -1}
	case '+':
		return Repeat{Min: 1, Max: -1}
	case '?':
		return Repeat{Min: 0, Max: 1}
	}
	p.space(nested)
	r := Repeat{Min: p.number()}
	r.Max = r.Min
	p.space(nested)
	if p.peek() == ',' {
		p.pos++
		p.space(nested)
		r.Max = -1
		if c := p.peek(); '0' <= c && c <= '9' {
			r.Max = p.number()
			p.space(nested)
		}
	}
	if p.peek() != '}' {
		p.fail("expected } after a repetition's numbers")
	}
	p.pos++
	if r.Max >= 0 && r.Min > r.Max {
		p.fail("a repetition from %d to %d", r.Min, r.Max)
	}
	return r
}

func (p *parser) number() int {
	start := p.pos
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.pos++
	}
	n, err := strconv.Atoi(p.text[start:p.pos])
	if err != nil || n > MaxRepeat {
		p.fail("a repetition needs a number up to %d", MaxRepeat)
	}
	return n
}

// repeated counts a repetition as llama.cpp writes it out: every time once more, and a rule for every time that may be
// left out. It returns how many rules a repetition of this one would repeat.
func (p *parser) repeated(r Repeat, size, rules int) int {
	times := max(r.Max, r.Min, 1)
	if rules*times > MaxRepeat {
		p.fail("%d repetitions of something that has %d rules: their product may be %d", times, rules, MaxRepeat)
	}
	p.count(times * (size + 2))
	if r.Max < 0 {
		p.names++
	} else {
		p.names += r.Max - r.Min
	}
	return rules * times
}
