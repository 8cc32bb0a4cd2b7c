// Package gbnftest makes sentences of a grammar, and says whether a text is one: what a test needs to see that a
// grammar means what it should.
package gbnftest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"rbee/internal/gbnf"
)

// Sampler makes sentences at random.
type Sampler struct {
	g    *gbnf.Grammar
	r    *rand.Rand
	cost map[string]float64 // the least steps a rule needs to its end
	left float64            // of the sentence being made
	out  strings.Builder
}

// NewSampler parses a grammar; one that does not parse fails the test.
func NewSampler(t testing.TB, grammar string, seed uint64) *Sampler {
	t.Helper()
	g, err := gbnf.Parse(grammar)
	if err != nil {
		t.Fatalf("%v\n%s", err, grammar[:min(len(grammar), 2000)])
	}
	s := &Sampler{g: g, r: rand.New(rand.NewPCG(seed, 1)), cost: map[string]float64{}}
	for name := range g.Rules {
		s.cost[name] = math.Inf(1)
	}
	for changed := true; changed; {
		changed = false
		for name, n := range g.Rules {
			if c := 1 + s.least(n); c < s.cost[name] {
				s.cost[name], changed = c, true
			}
		}
	}
	return s
}

// Sentence makes one; after about size steps it takes the shortest way out.
func (s *Sampler) Sentence(size int) string {
	s.out.Reset()
	s.left = float64(size)
	s.write(s.g.Rules[gbnf.Root])
	return s.out.String()
}

func (s *Sampler) least(n gbnf.Node) float64 {
	switch n := n.(type) {
	case gbnf.Ref:
		return s.cost[string(n)]
	case gbnf.Seq:
		sum := 0.0
		for _, c := range n {
			sum += s.least(c)
		}
		return sum
	case gbnf.Alt:
		least := math.Inf(1)
		for _, c := range n {
			least = min(least, s.least(c))
		}
		return least
	case gbnf.Repeat:
		if n.Min == 0 {
			return 0
		}
		return float64(n.Min) * s.least(n.Node)
	}
	return 0
}

func (s *Sampler) write(n gbnf.Node) {
	s.left--
	switch n := n.(type) {
	case gbnf.Literal:
		s.out.WriteString(string(n))
	case gbnf.Class:
		s.out.WriteRune(s.char(n))
	case gbnf.Any:
		s.out.WriteRune(rune('a' + s.r.IntN(26)))
	case gbnf.Ref:
		s.write(s.g.Rules[string(n)])
	case gbnf.Seq:
		for _, c := range n {
			s.write(c)
		}
	case gbnf.Alt:
		s.write(n[s.choose(n)])
	case gbnf.Repeat:
		times := n.Min
		if s.left > 0 {
			room := 6
			if n.Max >= 0 {
				room = min(room, n.Max-n.Min)
			}
			times += s.r.IntN(room + 1)
			if n.Max > 0 && s.r.IntN(20) == 0 {
				times = n.Max
			}
		}
		for range times {
			s.write(n.Node)
		}
	}
}

func (s *Sampler) choose(n gbnf.Alt) int {
	if s.left > 0 {
		if i := s.r.IntN(len(n)); !math.IsInf(s.least(n[i]), 1) {
			return i
		}
	}
	best := 0
	for i := range n {
		if s.least(n[i]) < s.least(n[best]) {
			best = i
		}
	}
	return best
}

// unusual are characters that a class of "all others" is tried with.
var unusual = []rune("az09 .,-_:;(){}[]<>'\u00e9\u00df\u4e2d\U0001F600\u2028/%$")

func (s *Sampler) char(c gbnf.Class) rune {
	if c.Negated {
		for {
			if r := unusual[s.r.IntN(len(unusual))]; c.Matches(r) {
				return r
			}
			for _, r := range unusual {
				if c.Matches(r) {
					return r
				}
			}
			for r := rune(0x20); ; r++ {
				if c.Matches(r) {
					return r
				}
			}
		}
	}
	x := c.Ranges[s.r.IntN(len(c.Ranges))]
	switch s.r.IntN(4) {
	case 0:
		return x.Low
	case 1:
		if utf8.ValidRune(x.High) {
			return x.High
		}
	}
	if r := x.Low + rune(s.r.IntN(int(x.High-x.Low)+1)); utf8.ValidRune(r) {
		return r
	}
	return x.Low
}

// Accepts reports whether the text is a sentence of the grammar.
func Accepts(t testing.TB, grammar, text string) bool {
	t.Helper()
	g, err := gbnf.Parse(grammar)
	if err != nil {
		t.Fatalf("%v\n%s", err, grammar[:min(len(grammar), 2000)])
	}
	m := matcher{g: g, text: []rune(text), known: map[place][]int{}}
	return slices.Contains(m.match(gbnf.Ref(gbnf.Root), 0), len(m.text))
}

type place struct {
	rule string
	at   int
}

type matcher struct {
	g     *gbnf.Grammar
	text  []rune
	known map[place][]int
}

// match returns where a sentence of n that begins at a place may end.
func (m *matcher) match(n gbnf.Node, at int) []int {
	switch n := n.(type) {
	case gbnf.Literal:
		if at+len(n) <= len(m.text) && slices.Equal(m.text[at:at+len(n)], []rune(n)) {
			return []int{at + len(n)}
		}
	case gbnf.Class:
		if at < len(m.text) && n.Matches(m.text[at]) {
			return []int{at + 1}
		}
	case gbnf.Any:
		if at < len(m.text) {
			return []int{at + 1}
		}
	case gbnf.Ref:
		p := place{string(n), at}
		if ends, ok := m.known[p]; ok {
			return ends
		}
		ends := m.match(m.g.Rules[string(n)], at)
		m.known[p] = ends
		return ends
	case gbnf.Seq:
		ends := []int{at}
		for _, c := range n {
			ends = m.from(c, ends)
		}
		return ends
	case gbnf.Alt:
		var ends []int
		for _, c := range n {
			ends = append(ends, m.match(c, at)...)
		}
		return unique(ends)
	case gbnf.Repeat:
		ends, now := []int(nil), []int{at}
		for i := 0; len(now) > 0 && (n.Max < 0 || i <= n.Max); i++ {
			if i >= n.Min {
				ends = append(ends, now...)
			}
			now = m.from(n.Node, now)
		}
		return unique(ends)
	}
	return nil
}

func (m *matcher) from(n gbnf.Node, starts []int) []int {
	var ends []int
	for _, s := range starts {
		ends = append(ends, m.match(n, s)...)
	}
	return unique(ends)
}

func unique(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}
