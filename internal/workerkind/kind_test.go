package workerkind

import (
	"strings"
	"testing"

	"rbee/internal/fault"
)

func TestNoNameIsTheUsualKind(t *testing.T) {
	if !Same("", Usual) || !Same("x", "x") || Same("", "x") || Same("x", Usual) || Named("") != Usual {
		t.Error("a request without --worker is one for " + Usual)
	}
}

func TestAKindIsForeignTextAndBounded(t *testing.T) {
	many := make([]string, 17)
	for i := range many {
		many[i] = "cpu"
	}
	for _, c := range []struct {
		k  Kind
		ok bool
	}{
		{Kind{Name: "llama.cpp", Version: "1", Engine: "e", Backends: []string{"cpu", "cuda"}}, true},
		{Kind{Name: ""}, false},
		{Kind{Name: "-x"}, false},
		{Kind{Name: "a\x1b[2J"}, false},
		{Kind{Name: strings.Repeat("a", 65)}, false},
		{Kind{Name: "a", Engine: strings.Repeat("a", 201)}, false},
		{Kind{Name: "a", Backends: many}, false},
		{Kind{Name: "a", Backends: []string{"cpu\n"}}, false},
	} {
		if err := c.k.Check(); (err == nil) != c.ok {
			t.Errorf("%.80q: %v", c.k, err)
		}
	}
}

func TestTheErrorForAnUnknownKindListsThoseThereAre(t *testing.T) {
	f := Unknown("nope", []Kind{{Name: "llama.cpp"}, {Name: "llm-worker-x", Program: "llm-worker-x", Error: "no answer"}, {Name: "echo"}})
	if f.Code != fault.InvalidRequest || !strings.HasSuffix(f.Message, "there is llama.cpp, echo") || !strings.Contains(f.Hint, "llm-worker-x: no answer") {
		t.Errorf("%+v", f)
	}
}
