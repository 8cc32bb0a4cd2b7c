// Package schema turns a JSON Schema into a grammar (GBNF, llama.cpp's dialect) of which every sentence is JSON that
// fits the schema.
//
// It is sound before it is complete: what the grammar lets through fits; some texts that would fit it does not let
// through. Properties come in the schema's order; beside them others only where additionalProperties says so in words;
// white space, numbers and times are bounded, so that a model cannot go on with them for ever. A keyword that it cannot
// hold the answer to is an error that names its place, never ignored, and so is a schema that nothing fits. Keywords
// that only tell (title, default, a format it does not know) are skipped, as the specification says.
//
// The way: the schema with its references and allOf becomes a conjunction of plain parts (conjunction.go); anyOf and
// oneOf become alternatives; each kind of value is written by its own file; what remains is pruned of everything that
// cannot end.
package schema

import "encoding/json"

// Grammar returns the grammar of a schema. Errors are INVALID_REQUEST faults that name the place in the schema.
func Grammar(raw json.RawMessage) (string, error) {
	b := NewBuilder()
	root, err := b.Add("#", raw)
	if err != nil {
		return "", err
	}
	return b.Grammar(root)
}

// JSONObject returns the grammar of any JSON object: OpenAI's response_format "json_object".
func JSONObject() string {
	b := NewBuilder()
	text, err := b.Grammar(b.anyObject())
	if err != nil {
		panic(err) // the same every time: a test sees it
	}
	return text
}
