package gateway

import (
	"testing"
	"unicode/utf8"

	"rbee/internal/fault"
)

func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{`{"model":"demo","prompt":"x"}`, `{"model":"demo","messages":[{"role":"user","content":"x"}],"stop":["a"],"seed":1}`,
		`{"temperature":null}`, `[]`, "\xff", `{"model":"\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseRequest(body)
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidRequest || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q gave %#v", body, err)
			}
			return
		}
		g := toGenerate(r)
		if g.GetId() == "" || g.GetNode() == "" || g.GetPrompt() == "" && len(g.GetMessages()) == 0 {
			t.Fatalf("%q became %v", body, g)
		}
	})
}
