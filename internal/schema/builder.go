package schema

import (
	"encoding/json"
	"fmt"

	"rbee/internal/fault"
	"rbee/internal/gbnf"
)

// Builder makes one grammar of several schemas and whatever stands around them.
type Builder struct {
	rules map[string]gbnf.Node
	steps int // of all schemas
	never []*fault.Error
}

// maxSteps bounds the work on one grammar: a schema may ask for the combinations of its parts, which multiply.
const maxSteps = 5000

// NewBuilder returns a builder without rules.
func NewBuilder() *Builder { return &Builder{rules: map[string]gbnf.Node{}} }

// Add returns what stands for a JSON text that fits the schema. name says in errors which schema it is. The
// references of each schema are its own.
func (b *Builder) Add(name string, raw json.RawMessage) (gbnf.Node, error) {
	v, err := decode(raw, name)
	if err != nil {
		return nil, err
	}
	c := &compiler{b: b, root: v, name: name, known: map[string]gbnf.Ref{}}
	return c.compile([]part{{schema: v, path: name}})
}

// Rule gives a node a name of its own, so that it is written once however often it is used.
func (b *Builder) Rule(hint string, n gbnf.Node) gbnf.Ref {
	if ref, ok := n.(gbnf.Ref); ok {
		return ref
	}
	ref := b.reserve(hint)
	b.rules[string(ref)] = n
	return ref
}

func (b *Builder) reserve(hint string) gbnf.Ref {
	name := fmt.Sprintf("%s-%d", hint, len(b.rules))
	b.rules[name] = gbnf.Alt{}
	return gbnf.Ref(name)
}

// fixed makes a rule that is the same in every grammar, once.
func (b *Builder) fixed(name string, make func() gbnf.Node) gbnf.Ref {
	if _, ok := b.rules[name]; !ok {
		b.rules[name] = gbnf.Alt{} // it may name itself
		b.rules[name] = make()
	}
	return gbnf.Ref(name)
}

// Grammar writes the grammar whose sentences are root's.
func (b *Builder) Grammar(root gbnf.Node) (string, error) {
	b.rules[gbnf.Root] = root
	g := &gbnf.Grammar{Rules: b.rules}
	if !g.Prune() {
		if len(b.never) > 0 {
			return "", b.never[0]
		}
		return "", refuse("#", "nothing fits it: what it asks for has no end").WithHint("a schema that refers to itself needs a way to stop: an optional property, an array that may be empty, null")
	}
	text := g.String()
	if err := gbnf.Check(text); err != nil {
		e := fault.From(err)
		return "", fault.Wrap(fault.InvalidRequest, err, "the JSON schema asks for too much: %s", e.Message)
	}
	return text, nil
}

// cannot notes why a part of a schema has no values, and returns what stands for that. Only if nothing else remains
// does it become an error.
func (b *Builder) cannot(path, format string, args ...any) gbnf.Node {
	b.never = append(b.never, refuse(path, format, args...).WithHint("no value fits this part of the schema"))
	return gbnf.Alt{}
}

// AddObject is Add for a schema of which only objects are wanted, whatever else it would allow.
func (b *Builder) AddObject(name string, raw json.RawMessage) (gbnf.Node, error) {
	v, err := decode(raw, name)
	if err != nil {
		return nil, err
	}
	c := &compiler{b: b, root: v, name: name, known: map[string]gbnf.Ref{}}
	return c.compile([]part{{schema: v, path: name}, {schema: onlyObject, path: name, taken: " object"}})
}

var onlyObject = &object{keys: []string{"type"}, values: map[string]any{"type": "object"}}
