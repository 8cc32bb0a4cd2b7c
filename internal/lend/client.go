package lend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"rbee/internal/fault"
	"rbee/internal/models/fetch"
)

// Client is the hive's side.
type Client struct{ http *http.Client }

// NewClient returns a client whose every connection is a stream to the queen.
func NewClient(dial func() (net.Conn, error)) *Client {
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext:         func(context.Context, string, string) (net.Conn, error) { return dial() },
		DisableCompression:  true,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     10 * time.Second,
	}}}
}

// Loan is one loan, by its name.
type Loan struct {
	c    *Client
	name string
}

// Loan returns the loan of that name, which a request carried.
func (c *Client) Loan(name string) Loan { return Loan{c, name} }

const (
	base      = "http://queen/"
	maxAnswer = 1 << 20 // bytes; the spaces of a day's digest are 17 KB
)

// Endpoint implements fetch.Lender.
func (l Loan) Endpoint(ctx context.Context) (string, error) {
	return l.value(ctx, http.MethodGet, "endpoint")
}

// Token implements fetch.Lender.
func (l Loan) Token(ctx context.Context) (string, error) {
	return l.value(ctx, http.MethodPost, "token")
}

// Gift asks what the queen's machine has of the model, to be put below dir.
func (l Loan) Gift(ctx context.Context, dir string) (fetch.Gift, error) {
	var o offer
	if err := l.ask(ctx, http.MethodGet, "copy", &o); err != nil {
		return fetch.Gift{}, err
	}
	g := fetch.Gift{Dir: dir, Folder: o.Folder, From: "the control node", Via: l.c.http.Transport,
		Digest: func(ctx context.Context, i int) (string, error) {
			return l.value(ctx, http.MethodGet, fmt.Sprintf("copy/%d/digest", i))
		}}
	for i, f := range o.Files {
		g.Files = append(g.Files, fetch.GiftFile{Name: f.Name, Size: f.Size, Modified: f.Modified, Address: fmt.Sprintf("%s%s/copy/%d", base, l.name, i)})
	}
	return g, nil
}

// Missing is how many bytes of a gift are not there, as far as sizes and times tell.
func Missing(g fetch.Gift, stat func(file string) (int64, time.Time)) (missing, all int64) {
	for _, f := range g.Files {
		all += f.Size
		if size, modified := stat(f.Name); size != f.Size || !fetch.SameTime(modified, f.Modified) {
			missing += f.Size
		}
	}
	return missing, all
}

func (l Loan) value(ctx context.Context, method, what string) (string, error) {
	var a answer
	err := l.ask(ctx, method, what, &a)
	if err == nil && a.Error != nil {
		err = a.Error
	}
	return a.Value, err
}

func (l Loan) ask(ctx context.Context, method, what string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, base+l.name+"/"+what, nil)
	if err != nil {
		return err
	}
	resp, err := l.c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fault.Wrap(fault.DownloadFailed, err, "the queen cannot be asked: %v", err).WithHint("run the command again")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	var a answer
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && resp.StatusCode == http.StatusOK:
		if err = json.Unmarshal(body, into); err == nil {
			return nil
		}
	case err == nil && json.Unmarshal(body, &a) == nil && a.Error != nil:
		return notHere(a.Error)
	case err == nil:
		err = fmt.Errorf("%s", resp.Status)
	}
	return fault.Wrap(fault.DownloadFailed, err, "the queen did not give %s: %v", strings.TrimSuffix(what, "/digest"), err).WithHint("run the command again")
}

// notHere says of a model that is missing or unusable where it is so: on the machine that was to give it, though the
// error comes to the keeper from the node that was to get it.
func notHere(f *fault.Error) error {
	switch f.Code {
	case fault.ModelNotFound:
		f = f.WithHint("get it there first, with rbee model pull; or leave --push away, and the node downloads it itself")
	case fault.ModelCorrupt, fault.ModelAmbiguous, fault.ModelAccessDenied:
	default:
		return f
	}
	f.Message = "nothing to push: on the control node " + f.Message
	return f
}

var _ fetch.Lender = Loan{}
