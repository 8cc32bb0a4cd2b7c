// Package fsm is a state machine as a table: state x event -> state + effects. A machine has no clock, no
// goroutine and no I/O; a shell (an actor) turns what happens into events, calls Step, and carries out the
// effects. The same table prints its diagram, so the diagram cannot drift from the code.
package fsm

import (
	"fmt"
	"strings"
)

// Rule says: in state From, on event On, go to state To and do Do, in order.
type Rule[S, E, A ~string] struct {
	From S
	On   E
	To   S
	Do   []A
}

// Table is a set of rules, at most one for each state and event.
type Table[S, E, A ~string] struct {
	rules []Rule[S, E, A]
	index map[[2]string]int
}

// New builds a table; it panics on two rules for the same state and event, which is a mistake in the source.
func New[S, E, A ~string](rules ...Rule[S, E, A]) *Table[S, E, A] {
	t := &Table[S, E, A]{rules: rules, index: map[[2]string]int{}}
	for i, r := range rules {
		k := [2]string{string(r.From), string(r.On)}
		if _, dup := t.index[k]; dup {
			panic(fmt.Sprintf("fsm: two rules for %s in state %s", r.On, r.From))
		}
		t.index[k] = i
	}
	return t
}

// Step returns the next state and the effects. An event that has no rule in state s changes nothing: ok is false.
func (t *Table[S, E, A]) Step(s S, e E) (next S, do []A, ok bool) {
	i, ok := t.index[[2]string{string(s), string(e)}]
	if !ok {
		return s, nil, false
	}
	return t.rules[i].To, t.rules[i].Do, true
}

// Rules returns the rules in the order they were given.
func (t *Table[S, E, A]) Rules() []Rule[S, E, A] { return t.rules }

// Mermaid prints the table as a Mermaid state diagram.
func (t *Table[S, E, A]) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for i, r := range t.rules {
		if i == 0 {
			fmt.Fprintf(&b, "    [*] --> %s\n", r.From)
		}
		fmt.Fprintf(&b, "    %s --> %s: %s", r.From, r.To, r.On)
		if len(r.Do) > 0 {
			b.WriteString(" /")
			for _, a := range r.Do {
				b.WriteString(" " + string(a))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
