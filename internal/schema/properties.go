package schema

import (
	"slices"

	"rbee/internal/gbnf"
)

// propertiesOf returns the names that the parts describe, in order, and those that they require.
func propertiesOf(parts []part) (names, required []string, err error) {
	err = each(parts, "properties", func(v any, at string) error {
		o, ok := v.(*object)
		if !ok {
			return refuse(at, "it must be an object")
		}
		for _, k := range o.keys {
			if !slices.Contains(names, k) {
				names = append(names, k)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return names, required, each(parts, "required", func(v any, at string) error {
		if v == true || v == false { // draft 3 said it at the property itself
			return refuse(at, "it must be a list of names")
		}
		list, ok := v.([]any)
		if !ok {
			return refuse(at, "it must be a list of names")
		}
		for _, e := range list {
			name, ok := e.(string)
			if !ok {
				return refuse(at, "it must be a list of names")
			}
			if !slices.Contains(required, name) {
				required = append(required, name)
			}
		}
		return nil
	})
}

// propertyParts returns what the parts say of one property: each what it describes it as, or else what it says of
// properties that it does not describe.
func propertyParts(parts []part, name string) ([]part, error) {
	var out []part
	for _, p := range parts {
		o := p.schema.(*object)
		if props, ok := o.get("properties"); ok {
			if v, ok := props.(*object).get(name); ok {
				out = append(out, part{schema: v, path: p.path + "/properties/" + escapePointer(name)})
				continue
			}
		}
		if v, ok := o.get("additionalProperties"); ok {
			out = append(out, part{schema: v, path: p.path + "/additionalProperties"})
		}
	}
	return out, nil
}

// extra returns what properties beside the described ones must be, and whether there may be any. Where nobody says,
// there are none beside described ones: a model that was told what to write has no reason to invent.
func (c *compiler) extra(parts []part, described bool) (extra []part, open bool, err error) {
	closed, asked := false, false
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
		err := each(parts, keyword, func(v any, at string) error {
			if v == false {
				closed = true
				return nil
			}
			asked = true
			extra = append(extra, part{schema: v, path: at})
			return nil
		})
		if err != nil {
			return nil, false, err
		}
	}
	return extra, !closed && (asked || !described), nil
}

// keyBut is a key, in quotes, that is none of the names. It has no escapes, so that a name cannot hide behind one.
func (b *Builder) keyBut(names []string) gbnf.Node {
	t := &trie{}
	for _, name := range names {
		t.add([]rune(name))
	}
	return seq(lit(`"`), b.notIn(t), lit(`"`))
}

type trie struct {
	ends bool
	next map[rune]*trie
}

func (t *trie) add(word []rune) {
	if len(word) == 0 {
		t.ends = true
		return
	}
	if t.next == nil {
		t.next = map[rune]*trie{}
	}
	if t.next[word[0]] == nil {
		t.next[word[0]] = &trie{}
	}
	t.next[word[0]].add(word[1:])
}

func (b *Builder) notIn(t *trie) gbnf.Node {
	rest := gbnf.Repeat{Node: b.plain(), Max: -1}
	firsts := make([]rune, 0, len(t.next))
	for r := range t.next {
		firsts = append(firsts, r)
	}
	slices.Sort(firsts)
	other := gbnf.Class{Negated: true, Ranges: slices.Clone(notPlain)}
	var out gbnf.Alt
	if !t.ends {
		out = append(out, gbnf.Seq{})
	}
	for _, r := range firsts {
		other.Ranges = append(other.Ranges, one(r))
		if r >= 0x20 && r != '"' && r != '\\' && r != 0x7f {
			out = append(out, seq(lit(string(r)), b.notIn(t.next[r])))
		}
	}
	return b.Rule("key", append(out, seq(other, rest)))
}
