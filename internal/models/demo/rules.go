package demo

import (
	"cmp"
	"maps"
	"slices"
)

const order = 4 // codes a rule sees at most: the current token's and three before it

// rule says which tokens follow a context, the likeliest first. A context is a row of classes, oldest first;
// topic, if not 0, is the class the topic head must have found as well.
type rule struct {
	context []int
	topic   int
	next    []int
}

// lesson is a sequence of tokens, to be learned from the token numbered from on (1 or more).
type lesson struct {
	tokens []int
	from   int
}

// learn turns lessons into back-off rules: a rule is kept only where the shorter ones would be wrong,
// or where there is a choice to offer.
func learn(v *vocabulary, lessons []lesson) []rule {
	l := learner{v: v, known: map[context]int{}}
	for n := 1; n <= order; n++ {
		l.learn(n, lessons)
	}
	return l.rules
}

// strays are rules for the classes that no text goes on from: names of topics, and everything unknown.
func strays(v *vocabulary, rules []rule) (more []rule) {
	known := map[int]bool{}
	for _, r := range rules {
		if len(r.context) == 1 {
			known[r.context[0]] = true
		}
	}
	for id, class := range v.class {
		if id == class && v.whole[id] && !known[class] {
			more = append(more, rule{context: []int{class}, next: []int{v.index[space+"the"], v.index[space+"a"]}})
		}
	}
	return more
}

// context is a map key: up to order classes, right-aligned, 0 (the unknown token) where there is none.
type context [order]int

func (v *vocabulary) context(tokens []int, n int) (c context, ok bool) {
	if n > len(tokens) {
		return c, false
	}
	for i, t := range tokens[len(tokens)-n:] {
		c[order-n+i] = v.class[t]
	}
	return c, true
}

type learner struct {
	v     *vocabulary
	known map[context]int // the token a rule gives
	rules []rule
}

// learn adds the rules of one length.
func (l *learner) learn(n int, lessons []lesson) {
	counts := map[context]map[int]int{}
	for _, s := range lessons {
		for i := s.from; i < len(s.tokens); i++ {
			if c, ok := l.v.context(s.tokens[:i], n); ok {
				if counts[c] == nil {
					counts[c] = map[int]int{}
				}
				counts[c][s.tokens[i]]++
			}
		}
	}
	for _, c := range slices.SortedFunc(maps.Keys(counts), compare) {
		next := ranked(counts[c])
		if n > 1 && l.backOff(c, n-1) == next[0] {
			continue
		}
		l.known[c] = next[0]
		l.rules = append(l.rules, rule{context: c[order-n:], next: next[:min(2, len(next))]})
	}
}

// backOff returns what the rules of at most n codes say after c, or -1.
func (l *learner) backOff(c context, n int) int {
	for ; n > 0; n-- {
		short := c
		clear(short[:order-n])
		if t, ok := l.known[short]; ok {
			return t
		}
	}
	return -1
}

// ranked returns the tokens by falling count, by number where counts are equal.
func ranked(counts map[int]int) []int {
	return slices.SortedFunc(maps.Keys(counts), func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

func compare(a, b context) int { return slices.Compare(a[:], b[:]) }
