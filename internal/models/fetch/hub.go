package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"rbee/internal/fault"
	"rbee/internal/models"
)

// hub is what one fetch needs to ask: the client, the limits, and for whom.
type hub struct {
	*client
	Options
	want models.Want
	wait func(context.Context, time.Duration) error

	from    string   // who gives the files, for people; "" = the repository
	portion *portion // how much is asked for at a time; nil = all of a segment
}

// repo is the repository's name, or that of who gives the files instead.
func (d *hub) repo() string {
	if d.from != "" {
		return d.from
	}
	return d.want.Org + "/" + d.want.Repo
}

var errStalled = errors.New("stalled")

// again is a failure that another attempt may not have.
type again struct {
	cause error
	after time.Duration // the server asks to wait so long; 0 if it does not say
}

func (a *again) Error() string { return a.cause.Error() }
func (a *again) Unwrap() error { return a.cause }

// get makes one request and hands the answer to handle. The attempt ends as stalled when no byte comes for
// Options.Stall, the headers included. An error of the network, there or while handle reads, is an *again; other
// errors of handle are returned as they are.
func (d *hub) get(ctx context.Context, address string, header http.Header, handle func(*http.Response, io.Reader) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	watch := time.AfterFunc(d.Stall, func() { end(errStalled) })
	defer watch.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Accept-Encoding", "identity") // said by us, net/http neither asks for gzip nor unpacks it
	req.Header.Set("User-Agent", "rbee")
	resp, err := d.http.Do(req)
	if err != nil {
		return d.broken(ctx, err)
	}
	defer resp.Body.Close()
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return unbelievable(fmt.Errorf("an answer packed with %.20q, which was not asked for", e))
	}
	alive := func() { watch.Reset(d.Stall) }
	alive()
	return handle(resp, &body{resp.Body, alive, func(err error) error { return d.broken(ctx, err) }})
}

// broken is what an error of the network means.
func (d *hub) broken(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) { // its text holds the whole address, and a redirect's address is signed
		err = u.Err
	}
	switch {
	case context.Cause(ctx) == errStalled:
		return &again{cause: fmt.Errorf("%w: no byte for %v", errStalled, d.Stall)}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errRedirects), errors.Is(err, errPlain), errors.Is(err, errScheme):
		return unbelievable(err)
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return fault.Wrap(fault.DownloadFailed, err, "the model server cannot be trusted: %v", err).
			WithHint("check HF_ENDPOINT, the clock, and the certificates of this machine")
	}
	return &again{cause: err}
}

// body tells of every byte, and translates errors.
type body struct {
	r      io.Reader
	alive  func()
	broken func(error) error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if n > 0 {
		b.alive()
	}
	if err != nil && err != io.EOF {
		err = b.broken(err)
	}
	return n, err
}
