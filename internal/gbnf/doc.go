// Package gbnf reads grammars in llama.cpp's dialect of BNF and says whether they are safe to hand to native code.
//
// llama.cpp's own parser trusts its input: a repetition {9,1} makes it loop for ever, {1,1000000} costs gigabytes, deep
// nesting its stack, and all of it happens in a worker that computes for others. So a grammar from outside is parsed
// here first, by the same rules, with limits. What Parse returns also serves tests, which sample sentences from it.
package gbnf

// Limits on a grammar. The last is llama.cpp's own: what is repeated, counted in rules, times how often.
const (
	MaxBytes    = 1 << 20
	MaxRules    = 8192   // as written
	MaxElements = 200000 // characters, references and rules, with repetitions written out
	MaxNesting  = 64     // parentheses
	MaxRepeat   = 1999
)

// Root is the rule whose sentences are the answers.
const Root = "root"

// Check reports why a grammar cannot be used: it does not parse, refers to a rule that is not there, recurses on the
// left (which never ends), or is larger than the limits. Errors are INVALID_REQUEST faults with the line.
func Check(text string) error {
	_, err := Parse(text)
	return err
}

// Grammar is a parsed grammar.
type Grammar struct {
	Rules map[string]Node
}

// Node is a part of a rule: a Literal, Class, Any, Ref, Seq, Alt or Repeat.
type Node interface{ node() }

type (
	// Literal is text.
	Literal []rune
	// Class is one character out of some, or out of all others.
	Class struct {
		Negated bool
		Ranges  []Range
	}
	// Range is the characters from Low to High.
	Range struct{ Low, High rune }
	// Any is any one character.
	Any struct{}
	// Ref is a sentence of another rule.
	Ref string
	// Seq is one after the other; an empty one is nothing at all.
	Seq []Node
	// Alt is one of several.
	Alt []Node
	// Repeat is Node from Min to Max times; Max -1 = no limit.
	Repeat struct {
		Node     Node
		Min, Max int
	}
)

func (Literal) node() {}
func (Class) node()   {}
func (Any) node()     {}
func (Ref) node()     {}
func (Seq) node()     {}
func (Alt) node()     {}
func (Repeat) node()  {}

// Matches reports whether the class has the character.
func (c Class) Matches(r rune) bool {
	for _, x := range c.Ranges {
		if x.Low <= r && r <= x.High {
			return !c.Negated
		}
	}
	return c.Negated
}
