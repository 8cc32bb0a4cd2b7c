package schema

import "slices"

// exclusive refuses a oneOf of which a value could fit two branches: the grammar would let it through, and it would
// not fit. Branches exclude each other if their types do, or their listed values, or those of a property that both
// require, or if one requires a property that the other cannot have.
func (c *compiler) exclusive(branches []part, path string) error {
	flat := make([][]part, len(branches))
	for i, b := range branches {
		var err error
		if flat[i], err = c.flatten([]part{b}); err != nil {
			return err
		}
	}
	for i := range flat {
		for j := range i {
			apart, err := c.apart(flat[i], flat[j], 0)
			if err != nil {
				return err
			}
			if !apart {
				return refuse(path, "a value may fit the branches %d and %d both", j, i).
					WithHint("give each branch a required property with a const of its own, or say anyOf")
			}
		}
	}
	return nil
}

// apart reports whether it is certain that no value fits both.
func (c *compiler) apart(a, b []part, depth int) (bool, error) {
	isFalse := func(p part) bool { return p.schema == false }
	if slices.ContainsFunc(a, isFalse) || slices.ContainsFunc(b, isFalse) {
		return true, nil
	}
	if len(a) == 0 || len(b) == 0 {
		return false, nil
	}
	if va, vb := listed(a), listed(b); va != nil && vb != nil {
		return !slices.ContainsFunc(va, func(v any) bool {
			return slices.ContainsFunc(vb, func(w any) bool { return same(v, w) })
		}), nil
	}
	ab, err := shared(a, b)
	if err != nil {
		return false, err
	}
	ba, err := shared(b, a)
	if err != nil {
		return false, err
	}
	both := append(ab, ba...)
	if len(both) == 0 {
		return true, nil
	}
	if slices.ContainsFunc(both, func(t string) bool { return t != "object" }) || depth > 4 {
		return false, nil
	}
	return c.objectsApart(a, b, depth)
}

// shared returns the types of values that are written for a and that b does not refuse for their type. Without a type
// a schema refuses none, whatever it speaks of.
func shared(a, b []part) ([]string, error) {
	written, err := typesOf(a)
	if err != nil {
		return nil, err
	}
	if values := listed(a); values != nil {
		written = slices.DeleteFunc(slices.Clone(written), func(t string) bool {
			return !slices.ContainsFunc(values, func(v any) bool { return isType(v, t) })
		})
	}
	taken := types
	if hasAny(b, "type") {
		if taken, err = typesOf(b); err != nil {
			return nil, err
		}
	}
	return common(written, taken), nil
}

func (c *compiler) objectsApart(a, b []part, depth int) (bool, error) {
	namesA, requiredA, err := propertiesOf(a)
	if err != nil {
		return false, err
	}
	namesB, requiredB, err := propertiesOf(b)
	if err != nil {
		return false, err
	}
	lacks := func(parts []part, names []string, name string) bool {
		return !slices.Contains(names, name) && slices.ContainsFunc(parts, func(p part) bool {
			v, ok := p.schema.(*object).get("additionalProperties")
			return ok && v == false
		})
	}
	for _, name := range requiredA {
		if lacks(b, namesB, name) {
			return true, nil
		}
	}
	for _, name := range requiredB {
		if lacks(a, namesA, name) {
			return true, nil
		}
		if !slices.Contains(requiredA, name) {
			continue
		}
		var of [2][]part
		for i, parts := range [][]part{a, b} {
			p, err := propertyParts(parts, name)
			if err != nil {
				return false, err
			}
			if of[i], err = c.flatten(p); err != nil {
				return false, err
			}
		}
		if apart, err := c.apart(of[0], of[1], depth+1); apart || err != nil {
			return apart, err
		}
	}
	return false, nil
}

// listed returns the values that a conjunction may have if it lists them, else nil.
func listed(parts []part) []any {
	for _, p := range parts {
		o := p.schema.(*object)
		if v, ok := o.get("const"); ok {
			return []any{v}
		}
		if v, ok := o.get("enum"); ok {
			list, _ := v.([]any)
			return list
		}
	}
	return nil
}
