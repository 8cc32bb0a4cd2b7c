package openai

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Stop is the "stop" field: one string or several.
type Stop []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *Stop) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if null, err := isNull(d); null {
		return err
	}
	switch d.PeekKind() {
	case '"':
		var one string
		err := json.UnmarshalDecode(d, &one)
		*s = Stop{one}
		return err
	case '[':
		return json.UnmarshalDecode(d, (*[]string)(s))
	}
	return mistyped(d, "a string or an array of strings")
}

// Content is what a message says: a string, or an array of parts, of which only those of text are taken.
type Content struct {
	Text string
	Set  bool // it was given, and not as null
}

// contentPart is one part of a Content; which of its fields counts depends on the type.
type contentPart struct {
	Type    string  `json:"type"`
	Text    *string `json:"text"`
	Refusal *string `json:"refusal"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *Content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if null, err := isNull(d); null {
		return err
	}
	c.Set = true
	switch d.PeekKind() {
	case '"':
		return json.UnmarshalDecode(d, &c.Text)
	case '[':
	default:
		return mistyped(d, "a string or an array of parts")
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	var texts []string
	for d.PeekKind() != ']' {
		var p contentPart
		if err := part(d, &p); err != nil {
			return err
		}
		text, problem := p.text(paramOf(d.StackPointer()))
		if problem != nil {
			return problem
		}
		texts = append(texts, text)
	}
	c.Text = strings.Join(texts, "\n")
	_, err := d.ReadToken()
	return err
}

func (p *contentPart) text(at string) (string, *Problem) {
	switch p.Type {
	case "text":
		if p.Text == nil {
			return "", missing(at + ".text")
		}
		return *p.Text, nil
	case "refusal":
		if p.Refusal == nil {
			return "", missing(at + ".refusal")
		}
		return *p.Refusal, nil
	case "image_url", "input_audio", "file", "video_url":
		return "", unsupported(at+".type", p.Type+" cannot be read: the models here read text", "send text parts only")
	case "":
		return "", missing(at + ".type")
	}
	return "", wrong(at+".type", codeValue, quoted(p.Type), "text")
}

// Prompts is the "prompt" of a completion or the "input" of an embedding: a string, an array of strings, an array of
// tokens, or an array of those. Each prompt is a text or tokens.
type Prompts []Prompt

// Prompt is one text, or its tokens.
type Prompt struct {
	Text   string
	Tokens []int32 // nil = Text
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (p *Prompts) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	const allowed = "a string, an array of strings, an array of tokens or an array of arrays of tokens"
	if null, err := isNull(d); null {
		return err
	}
	switch d.PeekKind() {
	case '"':
		var one Prompt
		err := json.UnmarshalDecode(d, &one.Text)
		*p = Prompts{one}
		return err
	case '[':
	default:
		return mistyped(d, allowed)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	all := Prompts{}
	flat := []int32{}
	for first := d.PeekKind(); d.PeekKind() != ']'; {
		if d.PeekKind() != first {
			return mistyped(d, allowed+", not a mixture")
		}
		var one Prompt
		var err error
		switch first {
		case '"':
			err = json.UnmarshalDecode(d, &one.Text)
		case '[':
			one.Tokens = []int32{}
			err = json.UnmarshalDecode(d, &one.Tokens)
		case '0':
			var token int32
			err = json.UnmarshalDecode(d, &token)
			flat = append(flat, token)
		default:
			return mistyped(d, allowed)
		}
		if err != nil {
			return err
		}
		if first != '0' {
			all = append(all, one)
		}
	}
	if len(flat) > 0 {
		all = Prompts{{Tokens: flat}}
	}
	*p = all
	_, err := d.ReadToken()
	return err
}

// Raw is a part of the request that goes down as it is: a schema, tools, variables of a template.
type Raw struct{ JSON jsontext.Value }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *Raw) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if null, err := isNull(d); null {
		return err
	}
	v, err := d.ReadValue()
	r.JSON = v.Clone()
	return err
}

// kind is what it holds; 0 = nothing.
func (r *Raw) kind() jsontext.Kind {
	if len(r.JSON) == 0 {
		return 0
	}
	return r.JSON.Kind()
}

// KeepAlive is how long a worker stays idle: seconds, or a duration like "5m"; negative = for ever.
type KeepAlive struct {
	Set      bool
	Duration time.Duration
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (k *KeepAlive) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	const allowed = `seconds, or a duration like "5m"; 0 = unload, negative = for ever`
	if null, err := isNull(d); null {
		return err
	}
	var err error
	switch d.PeekKind() {
	case '0':
		var seconds float64
		if err = json.UnmarshalDecode(d, &seconds); err == nil {
			k.Duration = time.Duration(max(-1, min(seconds, maxKeepAlive.Seconds()+1)) * float64(time.Second))
		}
	case '"':
		var text string
		if err = json.UnmarshalDecode(d, &text); err == nil {
			k.Duration, err = time.ParseDuration(text)
			if text == "-1" {
				k.Duration, err = -1, nil
			}
			if err != nil {
				return wrong(paramOf(d.StackPointer()), codeValue, quoted(text), allowed)
			}
		}
	default:
		return mistyped(d, allowed)
	}
	k.Set = true
	return err
}
