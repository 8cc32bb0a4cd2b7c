package fetch

import (
	"context"
	"strings"
	"sync"

	"rbee/internal/models"
)

// Lender is somebody else's access to the hub, for a machine that has none of its own. It is asked when a download
// needs it and not before.
type Lender interface {
	// Endpoint is the hub that the lender uses, as its Endpoint function says.
	Endpoint(context.Context) (string, error)
	// Token is the lender's token for that hub, "" if it has none.
	Token(context.Context) (string, error)
}

// Borrower is a Fetcher that asks a Lender for what this machine's environment does not say. It shares the Fetcher's
// downloads.
type Borrower struct {
	*Fetcher
	lender Lender
}

// With returns the Fetcher for one request that may borrow from l.
func (f *Fetcher) With(l Lender) *Borrower { return &Borrower{f, l} }

// Fetch is Fetcher.Fetch.
func (b *Borrower) Fetch(ctx context.Context, w models.Want) error {
	return b.fetch(ctx, w, b.lender)
}

// Plan is Fetcher.Plan.
func (b *Borrower) Plan(ctx context.Context, w models.Want) (*Plan, error) {
	return b.look(ctx, w, b.lender)
}

// Endpoint is the address of the hub that this environment names, without a slash at its end.
func Endpoint(getenv func(string) string) string {
	if text := strings.TrimRight(getenv("HF_ENDPOINT"), "/"); text != "" {
		return text
	}
	return defaultEndpoint
}

// access is the token for the hub: this machine's own, or a borrowed one. A borrowed one is asked for when the hub has
// refused to answer without, so that what is public never brings a token to this machine.
type access struct {
	own    string
	lender Lender // nil: nobody lends

	mu       sync.Mutex
	asked    bool
	borrowed string
}

// token is what is known now.
func (a *access) token() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own != "" {
		return a.own
	}
	return a.borrowed
}

// borrow asks the lender, once. It returns "" if that brings nothing new.
func (a *access) borrow(ctx context.Context) string {
	if a.own != "" || a.lender == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.asked {
		t, err := a.lender.Token(ctx)
		a.borrowed, a.asked = clean(t), err == nil
	}
	return a.borrowed
}

// accessTo settles which hub is asked, and with what. The machine's own endpoint and token go first. A token is
// borrowed for the lender's hub only: another hub, which this machine's environment names, has no business with it.
func accessTo(ctx context.Context, getenv func(string) string, l Lender) (endpoint string, a *access, err error) {
	endpoint, a = Endpoint(getenv), &access{own: Token(getenv)}
	if l == nil {
		return endpoint, a, nil
	}
	theirs, err := l.Endpoint(ctx)
	if err != nil {
		return "", nil, err
	}
	if getenv("HF_ENDPOINT") == "" && theirs != "" {
		endpoint = theirs
	}
	if endpoint == theirs {
		a.lender = l
	}
	return endpoint, a, nil
}
