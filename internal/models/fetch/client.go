package fetch

import (
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
	base  *url.URL
	token string
	http  *http.Client
}

// newClient reads the endpoint and the token. The error is INVALID_REQUEST for an endpoint that is no URL.
func newClient(getenv func(string) string, t http.RoundTripper) (*client, error) {
	text := strings.TrimRight(getenv("HF_ENDPOINT"), "/")
	if text == "" {
		text = defaultEndpoint
	}
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, fault.New(fault.InvalidRequest, "HF_ENDPOINT is not the address of a hub").
			WithHint("set it to something like %s, or unset it", defaultEndpoint)
	}
	c := &client{base: base, token: token(getenv)}
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
	if t.c.token != "" && t.c.own(r.URL) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+t.c.token)
	}
	return t.next.RoundTrip(r)
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
