package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rbee/internal/gbnf"
)

// part is one schema of several that a value must fit together, and where it stands.
type part struct {
	schema any
	path   string
	taken  string // the keywords that were taken out of it
}

// compiler makes one schema into nodes of a builder.
type compiler struct {
	b     *Builder
	root  any
	name  string
	known map[string]gbnf.Ref // conjunctions that have a rule, by their paths
	open  []string            // those being made with no bracket in between: to need one of them again leads nowhere
}

// compile returns what stands for the values that fit all parts.
func (c *compiler) compile(parts []part) (gbnf.Node, error) {
	if c.b.steps++; c.b.steps > maxSteps {
		return nil, refuse(parts[0].path, "with all its combinations it has more than %d parts", maxSteps)
	}
	flat, err := c.flatten(parts)
	if err != nil {
		return nil, err
	}
	if len(flat) == 0 {
		return c.b.anyValue(), nil
	}
	key := keyOf(flat)
	if slices.Contains(c.open, key) {
		return c.b.cannot(flat[0].path, "it is only itself"), nil
	}
	if ref, ok := c.known[key]; ok {
		return ref, nil
	}
	ref := c.b.reserve(hint(flat[len(flat)-1].path))
	c.known[key] = ref
	c.open = append(c.open, key)
	n, err := c.alternatives(flat)
	c.open = c.open[:len(c.open)-1]
	if err != nil {
		return nil, err
	}
	c.b.rules[string(ref)] = n
	return ref, nil
}

// inside compiles what stands in brackets: there a schema may need itself again.
func (c *compiler) inside(parts []part) (gbnf.Node, error) {
	saved := c.open
	c.open = nil
	n, err := c.compile(parts)
	c.open = saved
	return n, err
}

// flatten follows references and allOf until only plain parts are left, each once.
func (c *compiler) flatten(parts []part) ([]part, error) {
	var out []part
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(p part) error
	visit = func(p part) error {
		key := p.path + p.taken
		switch state[key] {
		case open:
			return refuse(p.path, "it refers to itself, with nothing in between")
		case done:
			return nil
		}
		state[key] = open
		defer func() { state[key] = done }()
		if p.schema == true {
			return nil
		}
		o, ok := p.schema.(*object)
		if p.schema != false && !ok {
			return refuse(p.path, "a schema is an object, true or false")
		}
		if !ok {
			out = append(out, p)
			return nil
		}
		if err := checkKeywords(o, p.path); err != nil {
			return err
		}
		// Taken out, so that what was taken apart later does not come in again.
		if plain := without(o, "$ref", "allOf"); slices.ContainsFunc(plain.keys, func(k string) bool { return says[k] }) {
			out = append(out, part{plain, p.path, p.taken})
		}
		if ref, ok := o.get("$ref"); ok {
			target, err := c.resolve(ref, p.path)
			if err != nil {
				return err
			}
			if err := visit(target); err != nil {
				return err
			}
		}
		all, err := list(o, "allOf", p.path)
		if err != nil {
			return err
		}
		for _, p := range all {
			if err := visit(p); err != nil {
				return err
			}
		}
		return nil
	}
	for _, p := range parts {
		if err := visit(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// resolve finds what "#/..." points at.
func (c *compiler) resolve(ref any, path string) (part, error) {
	s, ok := ref.(string)
	if !ok || s != "#" && !strings.HasPrefix(s, "#/") {
		return part{}, refuse(path+"/$ref", "only references inside the schema (#/...) can be followed, not %s", short(encode(ref)))
	}
	v := c.root
	for _, step := range strings.Split(s, "/")[1:] {
		step = strings.NewReplacer("~1", "/", "~0", "~", "%25", "%", "%20", " ", "%22", `"`).Replace(step)
		switch at := v.(type) {
		case *object:
			v, ok = at.get(step)
		case []any:
			i, err := strconv.Atoi(step)
			if ok = err == nil && i >= 0 && i < len(at); ok {
				v = at[i]
			}
		default:
			ok = false
		}
		if !ok {
			return part{}, refuse(path+"/$ref", "%s is not there", short(s))
		}
	}
	return part{schema: v, path: c.name + strings.TrimPrefix(s, "#")}, nil
}

// alternatives takes the first anyOf or oneOf apart and compiles the rest with each of its branches.
func (c *compiler) alternatives(parts []part) (gbnf.Node, error) {
	for i, p := range parts {
		o, ok := p.schema.(*object)
		if !ok {
			return c.b.cannot(p.path, "false fits nothing"), nil
		}
		for _, keyword := range []string{"anyOf", "oneOf"} {
			branches, err := list(o, keyword, p.path)
			if err != nil {
				return nil, err
			}
			if branches == nil {
				continue
			}
			rest := slices.Clone(parts)
			rest[i] = part{without(o, keyword), p.path, p.taken + " " + keyword}
			var out gbnf.Alt
			for _, branch := range branches {
				n, err := c.compile(append(slices.Clone(rest), branch))
				if err != nil {
					return nil, err
				}
				out = append(out, n)
			}
			if keyword == "oneOf" {
				if err := c.exclusive(branches, p.path+"/oneOf"); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
	}
	return c.plain(parts)
}

func without(o *object, keywords ...string) *object {
	out := &object{values: map[string]any{}}
	for _, k := range o.keys {
		if !slices.Contains(keywords, k) {
			out.keys = append(out.keys, k)
			out.values[k] = o.values[k]
		}
	}
	return out
}

// list returns the schemas under a keyword, nil if it is not there.
func list(o *object, keyword, path string) ([]part, error) {
	v, ok := o.get(keyword)
	if !ok {
		return nil, nil
	}
	items, ok := v.([]any)
	if !ok || len(items) == 0 && keyword != "prefixItems" {
		return nil, refuse(path+"/"+keyword, "it must be a list of schemas")
	}
	out := make([]part, len(items))
	for i, item := range items {
		out[i] = part{schema: item, path: fmt.Sprintf("%s/%s/%d", path, keyword, i)}
	}
	return out, nil
}

func keyOf(parts []part) string {
	paths := make([]string, len(parts))
	for i, p := range parts {
		paths[i] = p.path + p.taken
	}
	slices.Sort(paths)
	return strings.Join(paths, "\n")
}

// hint makes a rule's name of the last part of a path: letters, digits and - only.
func hint(path string) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, last)
	return "s-" + name[:min(len(name), 24)]
}

func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:77], "") + "..."
	}
	return s
}

// escapePointer writes a key as a step of a path.
func escapePointer(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }
