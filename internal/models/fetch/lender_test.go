package fetch

import (
	"context"
	"errors"
	"slices"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/models/fetch/fetchtest"
)

// lender lends what it has and counts how often it is asked.
type lender struct {
	endpoint, token string
	err             error
	asked           int
}

func (l *lender) Endpoint(context.Context) (string, error) { return l.endpoint, l.err }
func (l *lender) Token(context.Context) (string, error)    { l.asked++; return l.token, nil }

// borrows fetches with a lender, in an environment of its own.
func (p *place) borrows(l Lender, env map[string]string, ref string) error {
	p.t.Helper()
	p.f.options.Getenv = func(n string) string { return env[n] }
	return p.f.With(l).Fetch(p.t.Context(), p.want(ref))
}

func TestATokenIsBorrowedOnlyWhenTheHubRefusesToAnswerWithout(t *testing.T) {
	p := newPlace(t)
	p.hub.Add("Org/M", "m.gguf", random(1000))
	l := &lender{endpoint: p.hub.URL, token: "hf_lent"}
	if err := p.borrows(l, nil, "hf:Org/M"); err != nil {
		t.Fatal(err)
	}
	if l.asked != 0 || slices.ContainsFunc(p.hub.Requests(), func(r fetchtest.Request) bool { return r.Auth != "" }) {
		t.Errorf("a public model took a token: asked %d times, %v", l.asked, p.hub.Requests())
	}

	p.hub.Add("Org/Gated", "g.gguf", random(1000))
	p.hub.Token = "hf_lent"
	p.hub.Forget()
	if err := p.borrows(l, nil, "hf:Org/Gated"); err != nil {
		t.Fatal(err)
	}
	if l.asked != 1 {
		t.Errorf("asked %d times, want once", l.asked)
	}
	for _, r := range p.hub.Requests() {
		if r.Host != fetchtest.TheHub && r.Auth != "" {
			t.Errorf("the token went along a redirect: %+v", r)
		}
	}
}

func TestATokenIsBorrowedForTheLendersHubOnly(t *testing.T) {
	p := newPlace(t)
	p.hub.Add("Org/M", "m.gguf", random(1000))
	p.hub.Token = "hf_lent"
	l := &lender{endpoint: "https://huggingface.co", token: "hf_lent"}
	err := p.borrows(l, map[string]string{"HF_ENDPOINT": p.hub.URL}, "hf:Org/M")
	if fault.CodeOf(err) != fault.ModelNotFound && fault.CodeOf(err) != fault.ModelAccessDenied {
		t.Errorf("%v", err)
	}
	if l.asked != 0 {
		t.Error("the token of one hub was asked for on behalf of another")
	}
}

func TestAMachinesOwnAccessGoesFirst(t *testing.T) {
	p := newPlace(t)
	p.hub.Add("Org/M", "m.gguf", random(1000))
	p.hub.Token = "hf_own"
	l := &lender{endpoint: p.hub.URL, token: "hf_lent"}
	if err := p.borrows(l, map[string]string{"HF_TOKEN": "hf_own"}, "hf:Org/M"); err != nil {
		t.Fatal(err)
	}
	if l.asked != 0 {
		t.Error("a token was borrowed by a machine that has its own")
	}
	p.hub.Token = "hf_other"
	p.hub.Add("Org/N", "n.gguf", random(1000))
	if err := p.borrows(l, map[string]string{"HF_TOKEN": "hf_own"}, "hf:Org/N"); err == nil || l.asked != 0 {
		t.Errorf("refused with its own token it borrowed another: %v, asked %d times", err, l.asked)
	}
}

func TestALenderThatCannotBeAskedIsAnError(t *testing.T) {
	p := newPlace(t)
	l := &lender{err: errors.New("the line is gone")}
	if err := p.borrows(l, nil, "hf:Org/M"); !errors.Is(err, l.err) {
		t.Errorf("%v", err)
	}
}
