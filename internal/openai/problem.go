package openai

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rbee/internal/fault"
)

// Codes of refused fields, as OpenAI's clients know them.
const (
	codeMissing     = "missing_required_parameter"
	codeType        = "invalid_type"
	codeValue       = "invalid_value"
	codeUnsupported = "unsupported_parameter"
	codeTooLong     = "string_above_max_length"
	codeTooMany     = "array_above_max_length"
	codeEmpty       = "empty_array"
	codeJSON        = "invalid_json"
)

// Problem is what is wrong with one field of a request.
type Problem struct {
	Param   string // "messages[0].content"; "" = the body as a whole
	Code    string // OpenAI's word for it
	Message string
	Hint    string
}

func (p *Problem) Error() string { return p.Message }

// Fault is the problem as INVALID_REQUEST.
func (p *Problem) Fault() *fault.Error {
	f := fault.Wrap(fault.InvalidRequest, p, "%s", p.Message)
	f.Hint = p.Hint
	if p.Param != "" {
		f = f.With("field", p.Param)
	}
	return f
}

// wrong says that a field has a value which is not among the allowed ones.
func wrong(param, code, value, allowed string) *Problem {
	return &Problem{Param: param, Code: code, Message: param + " is " + value + ", allowed is " + allowed}
}

func missing(param string) *Problem {
	return &Problem{Param: param, Code: codeMissing, Message: param + " is missing"}
}

func unsupported(param, why, hint string) *Problem {
	return &Problem{Param: param, Code: codeUnsupported, Message: param + " is not supported: " + why, Hint: hint}
}

// mistyped is the error of a decoder of this package: the value at the decoder's place is not what it may be.
func mistyped(d *jsontext.Decoder, allowed string) error {
	return wrong(paramOf(d.StackPointer()), codeType, kindName(d.PeekKind()), allowed)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return "something else"
}

// paramOf is a JSON pointer in OpenAI's notation: /messages/0/content is messages[0].content.
func paramOf(p jsontext.Pointer) string {
	var b strings.Builder
	for t := range p.Tokens() {
		if n, err := strconv.ParseUint(t, 10, 31); err == nil {
			b.WriteString("[" + strconv.FormatUint(n, 10) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(shorten(t, 60))
	}
	return b.String()
}

// problemOf says in the client's words what the JSON library says in Go's. base is where in the body it was reading.
func problemOf(err error, base string) *Problem {
	var own *Problem
	if errors.As(err, &own) {
		if base != "" && !strings.HasPrefix(own.Param, base) {
			moved := *own
			moved.Param = under(base, own.Param)
			moved.Message = strings.Replace(own.Message, own.Param, moved.Param, 1)
			return &moved
		}
		return own
	}
	var kind *json.SemanticError
	if errors.As(err, &kind) {
		param := under(base, paramOf(kind.JSONPointer))
		if param == "" {
			return &Problem{Code: codeType, Message: "request body is " + kindName(kind.JSONKind) + ", allowed is an object"}
		}
		value := kindName(kind.JSONKind)
		if kind.JSONKind == '0' && len(kind.JSONValue) > 0 {
			value = shorten(string(kind.JSONValue), 60)
		}
		return wrong(param, codeType, value, goName(kind.GoType.String()))
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		p := &Problem{Code: codeJSON, Message: "request body is no valid JSON: " + strings.TrimPrefix(syntax.Err.Error(), "jsontext: ") +
			", at byte " + strconv.FormatInt(syntax.ByteOffset, 10)}
		if errors.Is(err, jsontext.ErrDuplicateName) {
			p.Param = paramOf(syntax.JSONPointer)
			p.Message = p.Param + " is there twice"
		}
		return p
	}
	return &Problem{Code: codeJSON, Message: "request body is empty or ends too early, allowed is a JSON object"}
}

func under(base, param string) string {
	switch {
	case base == "" || param == "":
		return base + param
	case param[0] == '[':
		return base + param
	}
	return base + "." + param
}

// goName is a Go type in JSON's words.
func goName(t string) string {
	t = strings.TrimLeft(t, "*")
	switch {
	case t == "string":
		return "a string"
	case t == "bool":
		return "true or false"
	case strings.HasPrefix(t, "int"), strings.HasPrefix(t, "uint"):
		return "a whole number"
	case strings.HasPrefix(t, "float"):
		return "a number"
	case strings.HasPrefix(t, "[]"):
		return "an array"
	}
	return "an object"
}

// shorten cuts a value that is shown to the client.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
