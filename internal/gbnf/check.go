package gbnf

import (
	"slices"
	"strings"
)

// checkRules looks at the rules together: every reference leads somewhere, none comes back to where it started
// without a character in between, and the root has a sentence that ends.
func (p *parser) checkRules() {
	names := make([]string, 0, len(p.rules))
	for name := range p.rules {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p.pos = p.at[name]
		walk(p.rules[name], func(n Node) {
			if ref, ok := n.(Ref); ok && p.rules[string(ref)] == nil {
				p.fail("the rule %q refers to %q, which is not there", name, string(ref))
			}
		})
	}
	f := facts{rules: p.rules, empty: map[string]bool{}, ends: map[string]bool{}}
	f.settle(names)
	for _, name := range names {
		p.pos = p.at[name]
		walk(p.rules[name], func(n Node) {
			if r, ok := n.(Repeat); ok && r.Max < 0 && f.canBeEmpty(r.Node) {
				p.fail("the rule %q repeats without limit what may be empty, which never ends", name)
			}
		})
	}
	f.findLoops(p, names)
	if p.pos = p.at[Root]; !f.ends[Root] {
		p.fail("no sentence of %q ever ends", Root)
	}
}

func walk(n Node, visit func(Node)) {
	visit(n)
	switch n := n.(type) {
	case Seq:
		for _, c := range n {
			walk(c, visit)
		}
	case Alt:
		for _, c := range n {
			walk(c, visit)
		}
	case Repeat:
		walk(n.Node, visit)
	}
}

// facts is what is known of rules.
type facts struct {
	rules map[string]Node
	empty map[string]bool // may be nothing at all
	ends  map[string]bool // has a finite sentence
	sites map[string][]string
}

// settle computes both facts as least fixed points; a rule is looked at again only if one that it names changed.
func (f *facts) settle(names []string) {
	f.sites = map[string][]string{}
	for _, name := range names {
		walk(f.rules[name], func(n Node) {
			if ref, ok := n.(Ref); ok {
				f.sites[string(ref)] = append(f.sites[string(ref)], name)
			}
		})
	}
	todo := slices.Clone(names)
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		empty, ends := f.empty[name] || f.canBeEmpty(f.rules[name]), f.ends[name] || f.canEnd(f.rules[name])
		if empty != f.empty[name] || ends != f.ends[name] {
			f.empty[name], f.ends[name] = empty, ends
			todo = append(todo, f.sites[name]...)
		}
	}
}

func (f *facts) canBeEmpty(n Node) bool {
	switch n := n.(type) {
	case Literal:
		return len(n) == 0
	case Ref:
		return f.empty[string(n)]
	case Seq:
		return !slices.ContainsFunc(n, func(c Node) bool { return !f.canBeEmpty(c) })
	case Alt:
		return slices.ContainsFunc(n, f.canBeEmpty)
	case Repeat:
		return n.Min == 0 || f.canBeEmpty(n.Node)
	}
	return false
}

func (f *facts) canEnd(n Node) bool {
	switch n := n.(type) {
	case Ref:
		return f.ends[string(n)]
	case Seq:
		return !slices.ContainsFunc(n, func(c Node) bool { return !f.canEnd(c) })
	case Alt:
		return slices.ContainsFunc(n, f.canEnd)
	case Repeat:
		return n.Min == 0 || f.canEnd(n.Node)
	}
	return true
}

// first calls visit for every rule that a sentence of n may begin with.
func (f *facts) first(n Node, visit func(string)) {
	switch n := n.(type) {
	case Ref:
		visit(string(n))
	case Seq:
		for _, c := range n {
			if f.first(c, visit); !f.canBeEmpty(c) {
				return
			}
		}
	case Alt:
		for _, c := range n {
			f.first(c, visit)
		}
	case Repeat:
		if n.Max != 0 {
			f.first(n.Node, visit)
		}
	}
}

// findLoops fails at a rule that may begin with itself.
func (f *facts) findLoops(p *parser, names []string) {
	const open, done = 1, 2
	state := map[string]int{}
	var path []string
	var visit func(string)
	visit = func(name string) {
		switch state[name] {
		case open:
			p.pos = p.at[name]
			from := slices.Index(path, name)
			p.fail("the rule %q begins with itself: %s", name, strings.Join(append(path[from:], name)[:min(8, len(path)-from+1)], " > "))
		case done:
			return
		}
		state[name] = open
		path = append(path, name)
		f.first(f.rules[name], visit)
		path = path[:len(path)-1]
		state[name] = done
	}
	for _, name := range names {
		visit(name)
	}
}
