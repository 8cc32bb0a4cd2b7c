package openai

import "strconv"

// Constraint is what an answer must look like, by the names of llama-server and vLLM; OpenAI's own is ResponseFormat.
type Constraint struct {
	Grammar           *string            `json:"grammar"`     // GBNF, as llama-server has it
	JSONSchema        Raw                `json:"json_schema"` // llama-server
	GuidedJSON        Raw                `json:"guided_json"` // vLLM until 0.11
	GuidedGrammar     *string            `json:"guided_grammar"`
	StructuredOutputs *StructuredOutputs `json:"structured_outputs"` // vLLM
}

// StructuredOutputs is vLLM's "structured_outputs".
type StructuredOutputs struct {
	JSON    Raw     `json:"json"`
	Grammar *string `json:"grammar"`
	Regex   Raw     `json:"regex"`
	Choice  Raw     `json:"choice"`
}

// Form is the constraint on an answer, however it was said. At most one of its fields is set.
type Form struct {
	Param   string // which field said so
	Any     bool   // any JSON object
	Schema  []byte // JSON that fits this schema
	Grammar string // a sentence of this grammar
}

// Free says that the answer may be anything.
func (f Form) Free() bool { return !f.Any && f.Schema == nil && f.Grammar == "" }

func (c *Constraint) check() *Problem {
	if s := c.StructuredOutputs; s != nil {
		if s.Regex.kind() != 0 {
			return unsupported("structured_outputs.regex", "there are grammars", "say it as structured_outputs.grammar, in GBNF")
		}
		if s.Choice.kind() != 0 {
			return unsupported("structured_outputs.choice", "there are schemas", `say it as structured_outputs.json: {"enum": [...]}`)
		}
	}
	forms := c.forms()
	if len(forms) > 1 {
		return wrong(forms[1].Param, codeValue, "given", "nothing beside "+forms[0].Param)
	}
	return nil
}

// forms lists all that were given.
func (c *Constraint) forms() (all []Form) {
	schema := func(param string, r Raw) {
		if r.kind() != 0 {
			all = append(all, Form{Param: param, Schema: r.JSON})
		}
	}
	grammar := func(param string, g *string) {
		if g != nil && *g != "" {
			all = append(all, Form{Param: param, Grammar: *g})
		}
	}
	grammar("grammar", c.Grammar)
	schema("json_schema", c.JSONSchema)
	schema("guided_json", c.GuidedJSON)
	grammar("guided_grammar", c.GuidedGrammar)
	if s := c.StructuredOutputs; s != nil {
		schema("structured_outputs.json", s.JSON)
		grammar("structured_outputs.grammar", s.Grammar)
	}
	return all
}

// form is the one that was given, if any.
func (c *Constraint) form() Form {
	if all := c.forms(); len(all) > 0 {
		return all[0]
	}
	return Form{}
}

// ResponseFormat is "response_format" of a chat.
type ResponseFormat struct {
	Type       string      `json:"type"`
	JSONSchema *JSONSchema `json:"json_schema"`
	Schema     Raw         `json:"schema"` // of json_object, as llama-server has it
}

// JSONSchema is the schema of a ResponseFormat. Strict or not, the answer fits it: both are held by a grammar.
type JSONSchema struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Schema      Raw    `json:"schema"`
	Strict      *bool  `json:"strict"`
}

func (r *ResponseFormat) form() (Form, *Problem) {
	const at = "response_format"
	if r == nil {
		return Form{}, nil
	}
	switch r.Type {
	case "text":
		return Form{}, nil
	case "json_object":
		if r.Schema.kind() != 0 {
			return Form{Param: at + ".schema", Schema: r.Schema.JSON}, size(at+".schema", len(r.Schema.JSON))
		}
		return Form{Param: at, Any: true}, nil
	case "json_schema":
		if r.JSONSchema == nil {
			return Form{}, missing(at + ".json_schema")
		}
		s := r.JSONSchema
		if p := name(at+".json_schema.name", s.Name); p != nil {
			return Form{}, p
		}
		if s.Schema.kind() == 0 {
			if is(s.Strict) {
				return Form{}, missing(at + ".json_schema.schema")
			}
			return Form{Param: at, Any: true}, nil
		}
		return Form{Param: at + ".json_schema.schema", Schema: s.Schema.JSON}, size(at+".json_schema.schema", len(s.Schema.JSON))
	case "":
		return Form{}, missing(at + ".type")
	}
	return Form{}, wrong(at+".type", codeValue, quoted(r.Type), "text, json_object or json_schema")
}

func size(param string, n int) *Problem {
	if n > maxSchema {
		return wrong(param, codeTooLong, strconv.Itoa(n)+" bytes long", "up to "+strconv.Itoa(maxSchema))
	}
	return nil
}
