package grammar

// Grammar is a parsed grammar: a program that a State is a set of places in. It never changes and may be used by any
// number of goroutines.
type Grammar struct {
	rules   [][]int32 // of each rule, where its alternatives begin in code
	code    []instr
	classes []class
	steps   []byteRange
	known   map[string]int32 // classes by what they match, so that each is made once
	root    int32
}

// instr is one element. An alternative is some of them and an opReturn.
type instr struct {
	op  op
	arg int32 // of opMatch a class, of opCall a rule
}

type op uint8

const (
	opReturn op = iota
	opMatch
	opCall
)

// class is a set of characters, as bytes: ascii is those of one byte; each of the others is a sequence in steps, which
// ends with the first step that is last.
type class struct {
	ascii     [2]uint64
	sequences []int32
}

type byteRange struct {
	lo, hi byte
	last   bool
}

func (c *class) hasASCII(b byte) bool { return c.ascii[b>>6]>>(b&63)&1 != 0 }

func (g *Grammar) newRule() int32 {
	g.rules = append(g.rules, nil)
	return int32(len(g.rules) - 1)
}

func (g *Grammar) addAlternative(rule int32, seq []instr) {
	g.rules[rule] = append(g.rules[rule], int32(len(g.code)))
	g.code = append(append(g.code, seq...), instr{op: opReturn})
}

// classOf returns the class of these characters.
func (g *Grammar) classOf(ranges []runeRange) int32 {
	key := keyOf(ranges)
	if id, ok := g.known[key]; ok {
		return id
	}
	var c class
	for _, r := range ranges {
		for b := max(r.lo, 0); b <= min(r.hi, 0x7f); b++ {
			c.ascii[b>>6] |= 1 << (b & 63)
		}
		if r.hi > 0x7f {
			for _, s := range byteSequences(max(r.lo, 0x80), r.hi) {
				c.sequences = append(c.sequences, int32(len(g.steps)))
				s[len(s)-1].last = true
				g.steps = append(g.steps, s...)
			}
		}
	}
	id := int32(len(g.classes))
	g.classes = append(g.classes, c)
	if g.known == nil {
		g.known = map[string]int32{}
	}
	g.known[key] = id
	return id
}
