package gateway

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"rbee/internal/openai"
)

// route is one entry of the interface: what answers, and what its document says.
type route struct {
	pattern string // as http.ServeMux has it
	serve   http.HandlerFunc
	summary string
	body    any    // a value of the request's type; nil = none
	answer  string // content type of a response; "" = nothing comes back
}

// document describes routes as OpenAPI 3.1. It is made of the very table that the mux is made of, and of the types that
// requests are decoded into, so it can say nothing that is not so.
func document(version string, all []route) []byte {
	paths := map[string]any{}
	schemas := map[string]any{}
	for _, r := range all {
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.ReplaceAll(path, "...}", "}")
		op := map[string]any{"summary": r.summary, "responses": responses(r)}
		if more := notes[r.pattern]; more != "" {
			op["description"] = more
		}
		if r.body != nil {
			t := reflect.TypeOf(r.body)
			name := strings.ReplaceAll(t.String(), ".", "_")
			schemas[name] = object(t)
			describe(name, schemas[name].(map[string]any))
			op["requestBody"] = map[string]any{"required": true, "content": content("application/json", map[string]any{"$ref": "#/components/schemas/" + name})}
		}
		if _, rest, ok := strings.Cut(path, "{"); ok {
			name, _, _ := strings.Cut(rest, "}")
			op["parameters"] = []any{map[string]any{"name": name, "in": "path", "required": true, "schema": map[string]any{"type": "string"}}}
		}
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path].(map[string]any)[strings.ToLower(method)] = op
	}
	doc := map[string]any{
		"openapi":    "3.1.0",
		"info":       map[string]any{"title": "rbee", "version": version, "summary": "Language models on any machine that is reached by ssh."},
		"paths":      paths,
		"components": map[string]any{"schemas": schemas, "securitySchemes": map[string]any{"key": map[string]any{"type": "http", "scheme": "bearer"}}},
		"security":   []any{map[string]any{}, map[string]any{"key": []any{}}},
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // maps, strings and lists
	}
	return append(b, '\n')
}

func content(kind string, schema any) map[string]any {
	return map[string]any{kind: map[string]any{"schema": schema}}
}

func responses(r route) map[string]any {
	good := map[string]any{"description": "done"}
	status := "200"
	if r.answer == "" {
		status = "204"
	} else {
		kinds := map[string]any{}
		for _, k := range strings.Split(r.answer, ",") {
			kinds[k] = map[string]any{}
		}
		good["content"] = kinds
	}
	return map[string]any{status: good, "default": map[string]any{"description": "a failure: its code, message, hint and details", "content": content("application/json", map[string]any{
		"type": "object", "properties": map[string]any{"error": map[string]any{"type": "object"}}})}}
}

// object is the schema of a struct that JSON is decoded into; embedded ones are part of it.
func object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	for _, f := range fields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		properties[name] = schemaOf(f.Type)
	}
	return map[string]any{"type": "object", "properties": properties}
}

// fields are those of a struct that have a name in JSON.
func fields(t reflect.Type) (all []reflect.StructField) {
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && !f.Anonymous && f.Tag.Get("json") != "" && f.Tag.Get("json") != "-" {
			all = append(all, f)
		}
	}
	return all
}

// unions are the types that read more than one kind of JSON.
var unions = map[reflect.Type][]string{
	reflect.TypeFor[openai.Stop]():       {"string", "array", "null"},
	reflect.TypeFor[openai.Content]():    {"string", "array", "null"},
	reflect.TypeFor[openai.Prompts]():    {"string", "array"},
	reflect.TypeFor[openai.KeepAlive]():  {"number", "string", "null"},
	reflect.TypeFor[openai.ToolChoice](): {"string", "object", "null"},
	reflect.TypeFor[openai.Tools]():      {"array", "null"},
	reflect.TypeFor[openai.ToolCalls]():  {"array", "null"},
}

func schemaOf(t reflect.Type) map[string]any {
	if kinds, ok := unions[t]; ok {
		return map[string]any{"type": kinds}
	}
	if t == reflect.TypeFor[openai.Raw]() {
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := schemaOf(t.Elem())
		if kind, ok := s["type"].(string); ok {
			s["type"] = []string{kind, "null"}
		}
		return s
	case reflect.Struct:
		return object(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	}
	if slices.Contains([]reflect.Kind{reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64}, t.Kind()) {
		return map[string]any{"type": "integer"}
	}
	return map[string]any{}
}
