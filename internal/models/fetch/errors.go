package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"time"
	"unicode"

	"rbee/internal/fault"
)

// unbelievable is an answer of the server that breaks its own protocol; to ask again would not mend it.
func unbelievable(what error) error {
	return fault.Wrap(fault.DownloadFailed, what, "the model server gave %v", what).
		WithHint("check HF_ENDPOINT and what is between here and there; the partial file is kept")
}

// refused is what an answer without the file means.
func (d *hub) refused(r *http.Response) error {
	host, status := r.Request.URL.Host, r.StatusCode
	answer := fmt.Errorf("%s answered %d %s", host, status, http.StatusText(status))
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return &again{cause: answer, after: retryAfter(r.Header, time.Now())}
	case status == http.StatusNotFound, r.Header.Get("X-Error-Code") == "RepoNotFound": // 401 to whoever has no token
		return &missing{answer}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return d.denied(r, answer)
	}
	return fault.Wrap(fault.DownloadFailed, answer, "cannot download %s: %v%s", d.repo(), answer, d.said(r)).
		WithHint("check HF_ENDPOINT and what is between here and there; the partial file is kept")
}

// missing is a 404; whoever asked knows of what.
type missing struct{ cause error }

func (m *missing) Error() string { return m.cause.Error() }

func (d *hub) denied(r *http.Response, answer error) error {
	e := fault.Wrap(fault.ModelAccessDenied, answer, "%s may not be downloaded: %v%s", d.repo(), answer, d.said(r)).
		With("repository", d.repo()).With("status", r.StatusCode)
	page := d.at("", d.repo())
	switch {
	case r.Header.Get("X-Error-Code") == "GatedRepo":
		return e.WithHint("the repository is gated: accept its terms at %s and give a token of that account as HF_TOKEN", page)
	case d.access.token() == "":
		return e.WithHint("it is private or gated: set HF_TOKEN to a token of an account that may read %s", page)
	}
	return e.WithHint("the account of HF_TOKEN may not read it: accept its terms at %s, or use another token", page)
}

func (d *hub) noRepo(cause error) error {
	return fault.Wrap(fault.ModelNotFound, cause, "there is no repository %s on %s", d.repo(), d.base.Host).
		WithHint("check the name at %s; if it is private, set HF_TOKEN", d.at("", d.repo())).With("repository", d.repo())
}

func (d *hub) gaveUp(what string, attempts int, cause error) error {
	code, did := fault.DownloadFailed, "failed"
	if errors.Is(cause, errStalled) {
		code, did = fault.DownloadStalled, "stalled"
	}
	return fault.Wrap(code, cause, "the download of %s %s after %d attempts: %v", what, did, attempts, cause).
		WithHint("check the network and try again: what has come is kept, and the download goes on from there").
		With("attempts", attempts).With("cause", cause.Error())
}

// said is what the hub says for people, made safe to print. A hub that repeats the token it got must not make it public.
func (d *hub) said(r *http.Response) string {
	s := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(r.Header.Get("X-Error-Message"), ""))
	if s == "" {
		return ""
	}
	if t := d.access.token(); t != "" {
		s = strings.ReplaceAll(s, t, "[HF_TOKEN]") // before the text is cut, and after what hides it is gone
	}
	return fmt.Sprintf(" (%.200s)", s)
}

// onDisk is what an error of the model directory means.
func onDisk(path string, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	e := fault.Wrap(fault.ModelAccessDenied, err, "cannot write %s: %v", path, err).
		WithHint("make the model directory writable, or give another one with --models-dir").With("path", path)
	if isFull(err) {
		e.Code = fault.DiskFull
		e.WithHint("make room there, or give another model directory with --models-dir")
	}
	return e
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// amount writes bytes for people.
func amount(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d bytes", n)
}
