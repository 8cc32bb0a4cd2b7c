package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"rbee/internal/fault"
)

// base is the host of every URL; what it stands for is the http.Client's dialer's business.
const base = "http://queen"

// Client speaks to one queen.
//
// Its errors are *fault.Error where the queen answered with one, and otherwise whatever the connection gave: the
// caller knows better what it means that a queen does not answer.
type Client struct {
	http *http.Client
	base string
}

// NewClient returns a client that reaches its queen through h.
func NewClient(h *http.Client) *Client { return &Client{h, base} }

// NewLocalClient is NewClient for a queen on loopback TCP, which answers under no name but this machine's.
func NewLocalClient(h *http.Client) *Client { return &Client{h, "http://localhost"} }

// DialUnix returns an HTTP client whose every connection goes to the unix socket at path.
func DialUnix(path string) *http.Client {
	var d net.Dialer
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", path)
		},
		DisableCompression: true,
	}}
}

// Generate asks for a completion. It returns when the queen has begun to answer; ctx governs the whole stream.
func (c *Client) Generate(ctx context.Context, r *GenerateRequest) (*Stream, error) {
	return c.stream(ctx, "/rbee/v1/generate", r)
}

// Plan asks what Generate would do with the request. The stream's done event has the plan.
func (c *Client) Plan(ctx context.Context, r *GenerateRequest) (*Stream, error) {
	return c.stream(ctx, "/rbee/v1/plan", r)
}

func (c *Client) stream(ctx context.Context, path string, r any) (*Stream, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, failure(resp)
	}
	if t := resp.Header.Get("Content-Type"); !strings.HasPrefix(t, "text/event-stream") {
		resp.Body.Close()
		return nil, fault.New(fault.Internal, "the queen answered with %q instead of an event stream", t)
	}
	return &Stream{body: resp.Body, sse: newSSEReader(resp.Body)}, nil
}

// Cancel ends a running request; found is false if none has that id.
func (c *Client) Cancel(ctx context.Context, id string) (found bool, err error) {
	resp, err := c.do(ctx, http.MethodDelete, "/rbee/v1/requests/"+url.PathEscape(id))
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNoContent:
		return true, nil
	case http.StatusNotFound:
		return false, nil
	}
	return false, failure(resp)
}

// Version asks which queen this is.
func (c *Client) Version(ctx context.Context) (v Version, err error) {
	return v, c.get(ctx, "/rbee/v1/version", &v)
}

// Status asks how a daemon is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.get(ctx, "/rbee/v1/status", &s)
}

// Ready reports whether the queen takes work; if not, the error says why.
func (c *Client) Ready(ctx context.Context) error {
	var into map[string]any
	return c.get(ctx, "/readyz", &into)
}

// Receipt waits for the queen to stop, however long that takes, and returns what became of its processes. asked is
// called once the queen knows that somebody waits for it.
func (c *Client) Receipt(ctx context.Context, asked func()) (r Receipt, err error) {
	resp, err := c.do(ctx, http.MethodGet, "/rbee/v1/receipt")
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return r, failure(resp)
	}
	asked()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxEventBytes)).Decode(&r); err != nil {
		return r, fmt.Errorf("the queen ended without a receipt: %w", err)
	}
	return r, nil
}

// Workers returns the rows of the registry.
func (c *Client) Workers(ctx context.Context) ([]Worker, error) {
	var w Workers
	err := c.get(ctx, "/rbee/v1/workers", &w)
	return w.Workers, err
}

// Requests returns the requests that are not over, oldest first.
func (c *Client) Requests(ctx context.Context) ([]Request, error) {
	var r Requests
	err := c.get(ctx, "/rbee/v1/requests", &r)
	return r.Requests, err
}

// Stop ends a node, a worker, or the workers of a model, and returns when they are gone.
func (c *Client) Stop(ctx context.Context, r *StopRequest) (s Stopped, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return s, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/rbee/v1/stop", bytes.NewReader(body))
	if err != nil {
		return s, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return s, err
	}
	return s, read(resp, "/rbee/v1/stop", &s)
}

// Nodes returns how the queen's nodes are.
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	var n Nodes
	err := c.get(ctx, "/rbee/v1/nodes", &n)
	return n.Nodes, err
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	resp, err := c.do(ctx, http.MethodGet, path)
	if err != nil {
		return err
	}
	return read(resp, path, into)
}

func read(resp *http.Response, path string, into any) error {
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return failure(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxEventBytes)).Decode(into); err != nil {
		return fmt.Errorf("cannot read the answer to %s: %w", path, err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	return c.http.Do(req)
}

// failure makes an error of a response that is not a success.
func failure(resp *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var f struct {
		Error *fault.Error `json:"error"`
	}
	if json.Unmarshal(body, &f) == nil && f.Error != nil && f.Error.Code != "" {
		return f.Error
	}
	return &NotAQueenError{Status: resp.Status, Body: shown(strings.ToValidUTF8(string(body), "\ufffd"))}
}

// NotAQueenError is an HTTP failure without rbee's error body: something else is listening there.
type NotAQueenError struct{ Status, Body string }

func (e *NotAQueenError) Error() string {
	return fmt.Sprintf("answered %s with %s, which no queen does", e.Status, e.Body)
}
