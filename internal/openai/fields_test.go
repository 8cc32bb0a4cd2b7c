package openai

import (
	"fmt"
	"strings"
	"testing"

	"rbee/internal/fault"
)

// Each case is the fields of a request beside a valid rest, and how it is refused: "param: code".
var refused = map[string][]struct{ fields, want string }{
	"chat": {
		{`"model":null`, "model: missing_required_parameter"},
		{`"model":""`, "model: missing_required_parameter"},
		{`"model":7`, "model: invalid_type"},
		{`"model":"a\nb"`, "model: invalid_value"},
		{`"model":"` + strings.Repeat("x", 5000) + `"`, "model: string_above_max_length"},
		{`"messages":null`, "messages: missing_required_parameter"},
		{`"messages":[]`, "messages: empty_array"},
		{`"messages":{}`, "messages: invalid_type"},
		{`"messages":["hi"]`, "messages[0]: invalid_type"},
		{`"messages":[{"role":"user","content":"a"},{"content":"hi"}]`, "messages[1].role: missing_required_parameter"},
		{`"messages":[{"role":"king","content":"hi"}]`, "messages[0].role: invalid_value"},
		{`"messages":[{"role":"function","content":"hi","name":"f"}]`, "messages[0].role: unsupported_parameter"},
		{`"messages":[{"role":"user"}]`, "messages[0].content: missing_required_parameter"},
		{`"messages":[{"role":"user","content":5}]`, "messages[0].content: invalid_type"},
		{`"messages":[{"role":"user","content":"a\u0000b"}]`, "messages[0].content: invalid_value"},
		{`"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}]`, "messages[0].content[1].type: unsupported_parameter"},
		{`"messages":[{"role":"user","content":[{"type":"input_audio"}]}]`, "messages[0].content[0].type: unsupported_parameter"},
		{`"messages":[{"role":"user","content":[{"type":"text"}]}]`, "messages[0].content[0].text: missing_required_parameter"},
		{`"messages":[{"role":"user","content":[{"type":"text","text":5}]}]`, "messages[0].content[0].text: invalid_type"},
		{`"messages":[{"role":"user","content":["text"]}]`, "messages[0].content[0]: invalid_type"},
		{`"messages":[{"role":"assistant"}]`, "messages[0].content: missing_required_parameter"},
		{`"messages":[{"role":"tool","content":"x"}]`, "messages[0].tool_call_id: missing_required_parameter"},
		{`"messages":[{"role":"user","content":"x","name":5}]`, "messages[0].name: invalid_type"},
		{`"messages":[{"role":"user","content":"x","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}]`, "messages[0].tool_calls: invalid_value"},
		{`"messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":{}}}]}]`, "messages[0].tool_calls[0].function.arguments: invalid_type"},
		{`"messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"arguments":"{}"}}]}]`, "messages[0].tool_calls[0].function.name: missing_required_parameter"},
		{`"messages":[` + strings.Repeat(`{"role":"user","content":"x"},`, 4096) + `{"role":"user","content":"x"}]`, "messages: array_above_max_length"},
		{`"stream":"yes"`, "stream: invalid_type"},
		{`"stream_options":{"include_usage":true}`, "stream_options: invalid_value"},
		{`"stream":true,"stream_options":{"include_usage":1}`, "stream_options.include_usage: invalid_type"},
		{`"n":0`, "n: integer_below_min_value"},
		{`"n":65`, "n: integer_above_max_value"},
		{`"n":1.5`, "n: invalid_type"},
		{`"stop":5`, "stop: invalid_type"},
		{`"stop":["a",5]`, "stop[1]: invalid_type"},
		{`"stop":["a",""]`, "stop[1]: invalid_value"},
		{`"stop":[` + strings.Repeat(`"a",`, 16) + `"b"]`, "stop: array_above_max_length"},
		{`"max_tokens":0`, "max_tokens: integer_below_min_value"},
		{`"max_tokens":"many"`, "max_tokens: invalid_type"},
		{`"max_tokens":99999999999999999999`, "max_tokens: invalid_type"},
		{`"max_completion_tokens":-1`, "max_completion_tokens: integer_below_min_value"},
		{`"max_tokens":5,"max_completion_tokens":6`, "max_tokens: invalid_value"},
		{`"temperature":2.5`, "temperature: decimal_above_max_value"},
		{`"temperature":-0.1`, "temperature: decimal_below_min_value"},
		{`"temperature":"hot"`, "temperature: invalid_type"},
		{`"top_p":1.1`, "top_p: decimal_above_max_value"},
		{`"presence_penalty":-2.1`, "presence_penalty: decimal_below_min_value"},
		{`"frequency_penalty":2.1`, "frequency_penalty: decimal_above_max_value"},
		{`"seed":"x"`, "seed: invalid_type"},
		{`"logit_bias":[]`, "logit_bias: invalid_type"},
		{`"logit_bias":{"5":101}`, "logit_bias.5: decimal_above_max_value"},
		{`"logit_bias":{"word":1}`, "logit_bias: invalid_value"},
		{`"logit_bias":{"-1":1}`, "logit_bias: invalid_value"},
		{`"logprobs":1`, "logprobs: invalid_type"},
		{`"top_logprobs":2`, "top_logprobs: invalid_value"},
		{`"logprobs":true,"top_logprobs":21`, "top_logprobs: integer_above_max_value"},
		{`"user":5`, "user: invalid_type"},
		{`"user":"` + strings.Repeat("u", 600) + `"`, "user: string_above_max_length"},
		{`"metadata":{"a":5}`, "metadata.a: invalid_type"},
		{`"metadata":{"a":"` + strings.Repeat("m", 600) + `"}`, "metadata.a: string_above_max_length"},
		{`"response_format":"json"`, "response_format: invalid_type"},
		{`"response_format":{}`, "response_format.type: missing_required_parameter"},
		{`"response_format":{"type":"xml"}`, "response_format.type: invalid_value"},
		{`"response_format":{"type":"json_schema"}`, "response_format.json_schema: missing_required_parameter"},
		{`"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`, "response_format.json_schema.name: missing_required_parameter"},
		{`"response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{}}}`, "response_format.json_schema.name: invalid_value"},
		{`"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true}}`, "response_format.json_schema.schema: missing_required_parameter"},
		{`"response_format":{"type":"json_object"},"grammar":"root ::= \"a\""`, "grammar: invalid_value"},
		{`"guided_json":{},"grammar":"root ::= \"a\""`, "guided_json: invalid_value"},
		{`"structured_outputs":{"regex":"a+"}`, "structured_outputs.regex: unsupported_parameter"},
		{`"tools":{}`, "tools: invalid_type"},
		{`"tools":[{"type":"function"}]`, "tools[0].function: missing_required_parameter"},
		{`"tools":[{"type":"retrieval"}]`, "tools[0].type: invalid_value"},
		{`"tools":[{"type":"function","function":{"name":"a b"}}]`, "tools[0].function.name: invalid_value"},
		{`"tools":[{"type":"function","function":{"name":5}}]`, "tools[0].function.name: invalid_type"},
		{`"tools":[{"type":"function","function":{"name":"a","parameters":[]}}]`, "tools[0].function.parameters: invalid_type"},
		{`"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"a"}}]`, "tools[1].function.name: invalid_value"},
		{`"tool_choice":"required"`, "tool_choice: invalid_value"},
		{`"tool_choice":"maybe"`, "tool_choice: invalid_value"},
		{`"tool_choice":5`, "tool_choice: invalid_type"},
		{`"tools":[{"type":"function","function":{"name":"a"}}],"tool_choice":{"type":"function","function":{"name":"b"}}`, "tool_choice.function.name: invalid_value"},
		{`"tool_choice":{"type":"function"}`, "tool_choice.function.name: missing_required_parameter"},
		{`"tool_choice":{"type":"allowed_tools"}`, "tool_choice.type: unsupported_parameter"},
		{`"tools":[{"type":"function","function":{"name":"a"}}],"response_format":{"type":"json_object"}`, "response_format: unsupported_parameter"},
		{`"parallel_tool_calls":"no"`, "parallel_tool_calls: invalid_type"},
		{`"functions":[]`, "functions: unsupported_parameter"},
		{`"function_call":"auto"`, "function_call: unsupported_parameter"},
		{`"modalities":["text","audio"]`, "modalities[1]: unsupported_parameter"},
		{`"audio":{"voice":"x"}`, "audio: unsupported_parameter"},
		{`"reasoning_effort":5`, "reasoning_effort: invalid_type"},
		{`"chat_template_kwargs":[]`, "chat_template_kwargs: invalid_type"},
		{`"top_k":-2`, "top_k: integer_below_min_value"},
		{`"min_p":1.5`, "min_p: decimal_above_max_value"},
		{`"repeat_penalty":0`, "repeat_penalty: decimal_below_min_value"},
		{`"repetition_penalty":11`, "repetition_penalty: decimal_above_max_value"},
		{`"repeat_last_n":-2`, "repeat_last_n: integer_below_min_value"},
		{`"n_predict":-2`, "n_predict: integer_below_min_value"},
		{`"ignore_eos":1`, "ignore_eos: invalid_type"},
		{`"grammar":5`, "grammar: invalid_type"},
		{`"node":"a\u0007"`, "node: invalid_value"},
		{`"keep_alive":true`, "keep_alive: invalid_type"},
		{`"keep_alive":"soon"`, "keep_alive: invalid_value"},
		{`"keep_alive":"90000h"`, "keep_alive: invalid_value"},
		{`"deadline_ms":0`, "deadline_ms: integer_below_min_value"},
		{`"no_pull":"x"`, "no_pull: invalid_type"},
		{`"no_continue":"x"`, "no_continue: invalid_type"},
		{`"seed":1,"seed":2`, "seed: invalid_json"},
	},
	"completion": {
		{`"prompt":null`, "prompt: missing_required_parameter"},
		{`"prompt":""`, "prompt: invalid_value"},
		{`"prompt":[]`, "prompt: empty_array"},
		{`"prompt":{}`, "prompt: invalid_type"},
		{`"prompt":["a",1]`, "prompt[0]: invalid_type"},
		{`"prompt":[1,-1]`, "prompt[1]: integer_below_min_value"},
		{`"prompt":[[1],[]]`, "prompt[1]: invalid_value"},
		{`"prompt":[1.5]`, "prompt[0]: invalid_type"},
		{`"prompt":[4294967296]`, "prompt[0]: invalid_type"},
		{`"max_tokens":0`, "max_tokens: integer_below_min_value"},
		{`"logprobs":6`, "logprobs: integer_above_max_value"},
		{`"logprobs":true`, "logprobs: invalid_type"},
		{`"best_of":1,"n":2`, "best_of: integer_below_min_value"},
		{`"best_of":2,"stream":true`, "best_of: invalid_value"},
		{`"prompt":["a","b","c"],"n":22`, "n: integer_above_max_value"},
		{`"suffix":"end"`, "suffix: unsupported_parameter"},
		{`"echo":true,"logprobs":1`, "echo: unsupported_parameter"},
		{`"echo":true,"prompt":[1]`, "echo: unsupported_parameter"},
		{`"echo":true,"max_tokens":0`, "max_tokens: unsupported_parameter"},
		{`"echo":"yes"`, "echo: invalid_type"},
		{`"temperature":3`, "temperature: decimal_above_max_value"},
	},
	"embedding": {
		{`"model":null`, "model: missing_required_parameter"},
		{`"input":null`, "input: missing_required_parameter"},
		{`"input":[]`, "input: empty_array"},
		{`"input":["a",""]`, "input[1]: invalid_value"},
		{`"input":5`, "input: invalid_type"},
		{`"encoding_format":"hex"`, "encoding_format: invalid_value"},
		{`"dimensions":0`, "dimensions: integer_below_min_value"},
		{`"user":5`, "user: invalid_type"},
		{`"keep_alive":[]`, "keep_alive: invalid_type"},
	},
}

// valid are requests that need nothing else.
var valid = map[string][]string{
	"chat":       {`"model":"demo"`, `"messages":[{"role":"user","content":"hi"}]`},
	"completion": {`"model":"demo"`, `"prompt":"hi"`},
	"embedding":  {`"model":"demo"`, `"input":"hi"`},
}

// with is a valid request, with fields in it; those that they name are left out of the valid ones.
func with(kind, fields string) string {
	all := []string{}
	for _, v := range valid[kind] {
		name, _, _ := strings.Cut(v, ":")
		if !strings.HasPrefix(fields, name+":") && !strings.Contains(fields, ","+name+":") {
			all = append(all, v)
		}
	}
	return "{" + strings.Join(append(all, fields), ",") + "}"
}

func parse(kind, body string) (any, error) {
	switch kind {
	case "chat":
		return DecodeChat([]byte(body))
	case "completion":
		return DecodeCompletion([]byte(body))
	}
	return DecodeEmbedding([]byte(body))
}

func TestWrongFieldsAreRefusedByName(t *testing.T) {
	for kind, cases := range refused {
		for _, c := range cases {
			_, err := parse(kind, with(kind, c.fields))
			if err == nil {
				t.Errorf("%s: %s is accepted", kind, shorten(c.fields, 100))
				continue
			}
			f := fault.From(err)
			e := FromFault(f)
			got := fmt.Sprintf("%s: %s", or(e.Param, "-"), or(e.Code, "-"))
			if got != c.want || f.Code != fault.InvalidRequest || !strings.HasPrefix(e.Message, strings.TrimSuffix(*e.Param, ".")) {
				t.Errorf("%s: %s is refused with %s (%s), want %s", kind, shorten(c.fields, 100), got, e.Message, c.want)
			}
		}
	}
}

func TestBodiesThatAreNoRequest(t *testing.T) {
	for body, want := range map[string]string{
		``:                              "request body is empty or ends too early",
		`{"model":`:                     "request body is",
		`[]`:                            "request body is no JSON object",
		`"x"`:                           "request body is no JSON object",
		`null`:                          "request body is no JSON object",
		`{"model":"x"}{}`:               "request body is no valid JSON",
		"{\"model\":\"\xff\"}":          "request body is no valid JSON: invalid UTF-8",
		`{model:"x"}`:                   "request body is no valid JSON",
		strings.Repeat(`{"a":`, 20_000): "request body is no valid JSON: exceeded max depth",
	} {
		_, err := DecodeChat([]byte(body))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", shorten(body, 40), err, want)
		}
	}
}

// What nobody knows is ignored, and null is nothing.
func TestUnknownFieldsAndNullsAreNothing(t *testing.T) {
	for kind := range valid {
		for _, c := range []string{`"no_such_field":{"a":[1]}`, `"user":null`, `"MODEL":5`, `"keep_alive":null`} {
			if _, err := parse(kind, with(kind, c)); err != nil {
				t.Errorf("%s: %s: %v", kind, c, err)
			}
		}
	}
	for _, c := range []string{`"stop":null`, `"tools":null`, `"tool_choice":null`, `"logit_bias":null`, `"response_format":null`, `"functions":null`, `"seed":null`, `"n":null`, `"grammar":null`} {
		if _, err := DecodeChat([]byte(with("chat", c))); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for kind, cases := range refused {
		for _, c := range cases {
			f.Add([]byte(with(kind, c.fields)))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := DecodeChat(body); err == nil {
			if _, err := r.Generates("id", none{}); err != nil {
				t.Errorf("checked, and then: %v", err)
			}
		} else {
			_ = appendError(nil, fault.From(err))
		}
		if r, err := DecodeCompletion(body); err == nil {
			all, err := r.Generates("id", none{})
			if err != nil || len(all) == 0 || len(all) > maxChoices {
				t.Errorf("%d messages, %v", len(all), err)
			}
		}
		if r, err := DecodeEmbedding(body); err == nil {
			r.Generate("id")
		}
	})
}

// none writes no grammars.
type none struct{}

func (none) Object() string                { return "o" }
func (none) Schema([]byte) (string, error) { return "s", nil }
func (none) Check(string) error            { return nil }

func BenchmarkDecodeChat(b *testing.B) {
	body := []byte(`{"model":"demo","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"hello world"}],"max_tokens":1,"temperature":0,"stream":false}`)
	b.ReportAllocs()
	for b.Loop() {
		r, err := DecodeChat(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Generates("id", none{}); err != nil {
			b.Fatal(err)
		}
	}
}
