package gateway

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

type noBackend struct{ Backend }

func (noBackend) Info() Info { return Info{Version: "v"} }

func parsed(t *testing.T) (doc struct {
	Paths map[string]map[string]struct {
		RequestBody any
		Description string
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]any
			Required   []string
		}
	}
}) {
	t.Helper()
	g := &gateway{backend: noBackend{}}
	if err := json.Unmarshal(document("v", documented(g.routes()[:len(g.routes())-1])), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// Every route of the mux is in the document, and nothing else.
func TestTheDocumentHasEveryRoute(t *testing.T) {
	doc, n := parsed(t), 0
	all := (&gateway{backend: noBackend{}}).routes()
	for _, r := range documented(all[:len(all)-1]) {
		method, path, _ := strings.Cut(strings.Replace(r.pattern, "...}", "}", 1), " ")
		op, ok := doc.Paths[path][strings.ToLower(method)]
		if !ok || r.summary == "" || (op.RequestBody != nil) != (method == "POST") {
			t.Errorf("%s: %v, summary %q, body %v", r.pattern, ok, r.summary, op.RequestBody)
		}
		n++
	}
	for _, ops := range doc.Paths {
		n -= len(ops)
	}
	for pattern := range notes {
		method, path, _ := strings.Cut(pattern, " ")
		if doc.Paths[path][strings.ToLower(method)].Description == "" {
			t.Errorf("there are notes on %s, which is no route", pattern)
		}
	}
	if n != 0 {
		t.Errorf("%d routes are not in the document, or have no entry in the table", n)
	}
	// The table is the only way to a route.
	for _, file := range []string{"handler.go", "openai.go", "chat.go", "running.go", "disk.go"} {
		src, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, m := range regexp.MustCompile(`HandleFunc\("([^"]+)"`).FindAllStringSubmatch(string(src), -1) {
			if m[1] != "/" {
				t.Errorf("%s registers %q past the table", file, m[1])
			}
		}
	}
}

// Every field that is decoded is in the document, embedded ones too.
func TestTheDocumentHasEveryField(t *testing.T) {
	doc := parsed(t)
	for _, r := range (&gateway{backend: noBackend{}}).routes() {
		if r.body == nil {
			continue
		}
		typ := reflect.TypeOf(r.body)
		got := doc.Components.Schemas[strings.ReplaceAll(typ.String(), ".", "_")].Properties
		want := map[string]bool{}
		var walk func(reflect.Type)
		walk = func(typ reflect.Type) {
			for i := range typ.NumField() {
				f := typ.Field(i)
				if f.Anonymous {
					walk(f.Type)
				} else if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
					want[name] = true
				}
			}
		}
		walk(typ)
		for name := range want {
			if got[name] == nil {
				t.Errorf("%v: %s is missing", typ, name)
			}
		}
		if len(got) != len(want) || len(want) == 0 {
			t.Errorf("%v: %d fields in the document, %d in the type", typ, len(got), len(want))
		}
	}
	if c := doc.Components.Schemas["openai_ChatRequest"].Properties; c["temperature"] == nil || c["guided_json"] == nil || c["messages"] == nil {
		t.Error("the chat lacks fields of its embedded types")
	}
}
