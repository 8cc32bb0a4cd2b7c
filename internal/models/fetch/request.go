package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// getRange asks for the bytes from..to-1 and writes them down. answered is called when they begin to come.
func (d *download) getRange(ctx context.Context, from, to int64, answered func()) error {
	where, direct := d.where()
	h := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, to-1)}}
	known := d.etag()
	if known != "" && !strings.HasPrefix(known, "W/") { // a weak one may not be asked with
		h.Set("If-Range", known)
	}
	return d.get(ctx, where, h, func(r *http.Response, body io.Reader) error {
		etag := r.Header.Get("ETag")
		switch {
		case r.StatusCode == http.StatusOK && known != "" && etag != known:
			return errChanged
		case r.StatusCode == http.StatusOK:
			return errNoRanges
		case r.StatusCode == http.StatusRequestedRangeNotSatisfiable:
			return unbelievable(fmt.Errorf("a file without the bytes %d to %d, which it should have", from, to-1))
		case r.StatusCode != http.StatusPartialContent:
			return d.refusedAt(r, direct)
		}
		want := fmt.Sprintf("bytes %d-%d/%d", from, to-1, d.file.size)
		if got := r.Header.Get("Content-Range"); got != want {
			return unbelievable(fmt.Errorf("the range %.100q instead of %q", got, want))
		}
		if r.ContentLength > to-from {
			return unbelievable(fmt.Errorf("%d bytes instead of %d", r.ContentLength, to-from))
		}
		if !d.learn(etag) {
			return errChanged
		}
		d.remember(r)
		answered()
		return d.copy(body, from, to)
	})
}

// getWhole asks for the whole file.
func (d *download) getWhole(ctx context.Context) error {
	where, direct := d.where()
	return d.get(ctx, where, nil, func(r *http.Response, body io.Reader) error {
		if r.StatusCode != http.StatusOK {
			return d.refusedAt(r, direct)
		}
		if r.ContentLength >= 0 && r.ContentLength != d.file.size {
			return unbelievable(fmt.Errorf("%d bytes instead of %d", r.ContentLength, d.file.size))
		}
		return d.copy(body, 0, d.file.size)
	})
}

const bufferSize = 256 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// copy writes the body down, which must be exactly the bytes from..to-1.
func (d *download) copy(body io.Reader, from, to int64) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for at := from; ; {
		n, err := body.Read(buf[:min(to-at+1, bufferSize)]) // one more than there may be
		if int64(n) > to-at {
			return unbelievable(fmt.Errorf("more than the %d bytes that were asked for", to-from))
		}
		if n > 0 {
			if err := d.write(buf[:n], at); err != nil {
				return err
			}
			at += int64(n)
		}
		switch {
		case err == io.EOF && at < to:
			return &again{cause: fmt.Errorf("only %d of %d bytes came", at-from, to-from)}
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// where returns the address to ask at; direct: not the hub's own.
func (d *download) where() (address string, direct bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.direct != "" {
		return d.direct, true
	}
	return d.address, false
}

// remember keeps where the hub's redirect led, so that the next segments need not ask the hub.
func (d *download) remember(r *http.Response) {
	if d.own(r.Request.URL) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.direct = r.Request.URL.String()
}

// refusedAt is refused; but where a redirect led is good for a while only, and then the hub has to be asked again.
func (d *download) refusedAt(r *http.Response, direct bool) error {
	if direct && r.StatusCode >= 400 && r.StatusCode < 500 && r.StatusCode != http.StatusTooManyRequests {
		d.mu.Lock()
		d.direct = ""
		d.mu.Unlock()
		return &again{cause: fmt.Errorf("%s answered %d %s", r.Request.URL.Host, r.StatusCode, http.StatusText(r.StatusCode))}
	}
	return d.refused(r)
}
