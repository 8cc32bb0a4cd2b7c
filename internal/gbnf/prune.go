package gbnf

import "slices"

// Prune removes what no finite sentence goes through, so that whoever follows the grammar never gets stuck, and the
// rules that the root does not need. It reports whether the root has a sentence at all. An empty Alt stands for
// something that cannot be.
func (g *Grammar) Prune() bool {
	names := make([]string, 0, len(g.Rules))
	for name := range g.Rules {
		names = append(names, name)
	}
	slices.Sort(names)
	f := facts{rules: g.Rules, empty: map[string]bool{}, ends: map[string]bool{}}
	f.settle(names)
	if !f.ends[Root] {
		return false
	}
	kept := map[string]Node{}
	todo := []string{Root}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if _, ok := kept[name]; ok {
			continue
		}
		kept[name] = f.prune(g.Rules[name])
		walk(kept[name], func(n Node) {
			if ref, ok := n.(Ref); ok {
				todo = append(todo, string(ref))
			}
		})
	}
	g.Rules = kept
	return true
}

// prune is called only with what can end.
func (f *facts) prune(n Node) Node {
	switch n := n.(type) {
	case Seq:
		out := make(Seq, 0, len(n))
		for _, c := range n {
			out = append(out, f.prune(c))
		}
		return out
	case Alt:
		var out Alt
		for _, c := range n {
			if f.canEnd(c) {
				out = append(out, f.prune(c))
			}
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case Repeat:
		if !f.canEnd(n.Node) {
			return Seq{}
		}
		return Repeat{Node: f.prune(n.Node), Min: n.Min, Max: n.Max}
	}
	return n
}
