package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rbee/internal/fault"
)

const defaultEndpoint = "https://huggingface.co"

const maxRedirects = 5

// client speaks to the hub. It never asks for a compressed answer, so a small one cannot unfold into a large one.
type client struct {
	base   *url.URL
	access *access
	http   *http.Client
}

// newClient settles the endpoint and the token; l may be nil. The error is INVALID_REQUEST for an endpoint that is no
// URL.
func newClient(ctx context.Context, getenv func(string) string, t http.RoundTripper, l Lender) (*client, error) {
	text, a, err := accessTo(ctx, getenv, l)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, fault.New(fault.InvalidRequest, "HF_ENDPOINT is not the address of a hub").
			WithHint("set it to something like %s, or unset it", defaultEndpoint)
	}
	c := &client{base: base, access: a}
	c.http = &http.Client{Transport: &withToken{c, t}, CheckRedirect: c.follow}
	return c, nil
}

// transport is one for downloads: a connection for each segment (with HTTP/2 all would share one, and its window).
func transport() http.RoundTripper {
	only1 := new(http.Protocols)
	only1.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		Protocols:              only1,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        30 * time.Second,
		ReadBufferSize:         64 << 10,
	}
}

// withToken adds the token to what goes to the hub's own host, and to nothing else. net/http copies the headers of
// a request to its redirects, to a sub-domain even those that authorize; this one is never among them, because each
// request gets it here, by the host it really goes to.
type withToken struct {
	c    *client
	next http.RoundTripper
}

func (t *withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.c.own(r.URL) {
		return t.next.RoundTrip(r)
	}
	token := t.c.access.token()
	resp, err := t.next.RoundTrip(authorized(r, token))
	if err != nil || token != "" || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden {
		return resp, err
	}
	if token = t.c.access.borrow(r.Context()); token == "" {
		return resp, nil
	}
	resp.Body.Close()
	return t.next.RoundTrip(authorized(r, token))
}

// authorized is r with the token, which is never put into the request that others see.
func authorized(r *http.Request, token string) *http.Request {
	if token == "" {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// own reports whether a URL is of the hub itself: the same scheme, host and port.
func (c *client) own(u *url.URL) bool {
	return u.Scheme == c.base.Scheme && strings.EqualFold(u.Host, c.base.Host)
}

var (
	errRedirects = errors.New("too many redirects")
	errPlain     = errors.New("a redirect from https to http")
	errScheme    = errors.New("a redirect to something that is not the web")
)

// follow decides about a redirect.
func (c *client) follow(to *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w (%d)", errRedirects, len(via))
	case to.URL.Scheme == "http" && c.base.Scheme == "https":
		return errPlain
	case to.URL.Scheme != "http" && to.URL.Scheme != "https":
		return fmt.Errorf("%w: %.20q", errScheme, to.URL.Scheme)
	}
	to.Header.Del("Referer") // it would tell one host what another is asked for
	return nil
}

// at returns the address of something on the hub. The parts of the path are escaped.
func (c *client) at(query string, parts ...string) string {
	u := c.base.JoinPath()
	for _, p := range parts {
		for _, name := range strings.Split(p, "/") {
			u = u.JoinPath(url.PathEscape(name))
		}
	}
	u.RawQuery = query
	return u.String()
}
