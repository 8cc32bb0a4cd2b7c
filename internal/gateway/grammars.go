package gateway

import (
	"sync"

	"rbee/internal/gbnf"
	"rbee/internal/schema"
)

// grammars is openai.Grammars.
type grammars struct{}

func (grammars) Object() string { return anyObject() }

// anyObject is the same for every request.
var anyObject = sync.OnceValue(schema.JSONObject)

func (grammars) Schema(s []byte) (string, error) { return schema.Grammar(s) }

func (grammars) Check(grammar string) error { return gbnf.Check(grammar) }
