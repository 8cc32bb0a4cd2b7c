package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"rbee/internal/gguf"
	"rbee/internal/models"
)

// file is a model's file as the hub describes it; believable if check says so.
type file struct {
	path   string // in the repository
	size   int64
	sha256 string // lower-case hex

	address  string    // where it is, if not on the hub
	modified time.Time // what a file of that name is compared by, and is given; zero = its size is enough
}

// name is the file's name on disk.
func (f file) name() string { return models.FileName(f.path) }

const (
	branch   = "main"
	maxBody  = 16 << 20 // bytes of one answer of the API; a page of 1,000 files has 300 KiB
	maxPages = 100
)

// commit returns what the branch is at now, so that everything after is asked for by a name that never moves.
func (d *hub) commit(ctx context.Context, repo string) (string, error) {
	var sha string
	_, err := d.api(ctx, d.at("", "api/models", repo, "revision", branch), func(body []byte) (err error) {
		sha, err = decodeCommit(body)
		return err
	})
	return sha, err
}

// list returns the model files of a commit, all of them believable.
func (d *hub) list(ctx context.Context, repo, commit string) ([]file, error) {
	var all []file
	next := d.at("recursive=true", "api/models", repo, "tree", commit)
	for range maxPages {
		header, err := d.api(ctx, next, func(body []byte) error {
			page, err := decodePage(body)
			all = append(all, page...)
			return err
		})
		if err != nil {
			return nil, err
		}
		if next, err = d.nextPage(next, header.Values("Link")); err != nil || next == "" {
			return all, err
		}
	}
	return nil, unbelievable(fmt.Errorf("more than %d pages of files", maxPages))
}

// api asks the hub for one JSON answer and hands it to decode, whose error means that it is not believable.
func (d *hub) api(ctx context.Context, address string, decode func([]byte) error) (http.Header, error) {
	var header http.Header
	err := d.retry(ctx, "the hub's list of files", func(ctx context.Context) (bool, error) {
		return false, d.get(ctx, address, nil, func(r *http.Response, body io.Reader) error {
			if r.StatusCode != http.StatusOK {
				return d.refused(r)
			}
			b, err := io.ReadAll(io.LimitReader(body, maxBody+1))
			if err != nil {
				return err
			}
			if len(b) > maxBody {
				return unbelievable(fmt.Errorf("an answer of more than %d bytes", maxBody))
			}
			if err := decode(b); err != nil {
				return unbelievable(err)
			}
			header = r.Header
			return nil
		})
	})
	return header, err
}

func decodeCommit(body []byte) (string, error) {
	var info struct {
		SHA string `json:"sha"`
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return "", fmt.Errorf("a repository's state that is no JSON: %w", err)
	}
	if !hexCommit.MatchString(info.SHA) {
		return "", fmt.Errorf("%.100q as the name of a commit", info.SHA)
	}
	return info.SHA, nil
}

// decodePage returns the model files of one page. What is no model file is nobody's business; of a model file
// everything must be believable.
func decodePage(body []byte) ([]file, error) {
	var entries []struct {
		Type string `json:"type"`
		Path string `json:"path"`
		Size int64  `json:"size"`
		LFS  *struct {
			OID  string `json:"oid"`
			Size int64  `json:"size"`
		} `json:"lfs"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&entries); err != nil {
		return nil, fmt.Errorf("a list of files that is no JSON of that form: %w", err)
	}
	var found []file
	for _, e := range entries {
		if e.Type != "file" || !gguf.IsModelFile(e.Path) {
			continue
		}
		f := file{path: e.Path, size: e.Size}
		if e.LFS != nil {
			f.sha256 = e.LFS.OID
			if e.LFS.Size != e.Size {
				return nil, fmt.Errorf("two sizes for %.100q, %d and %d bytes", e.Path, e.Size, e.LFS.Size)
			}
		}
		if err := f.check(); err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

var linkNext = regexp.MustCompile(`<([^<>]*)>\s*;[^,]*\brel="?next"?`)

// nextPage returns the address of the page after this one, "" if this is the last. It must be on the hub.
func (c *client) nextPage(this string, links []string) (string, error) {
	for _, l := range links {
		m := linkNext.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		base, err := url.Parse(this)
		if err != nil {
			return "", err
		}
		u, err := base.Parse(m[1])
		if err != nil || !c.own(u) || u.User != nil {
			return "", unbelievable(fmt.Errorf("a next page on another host"))
		}
		return u.String(), nil
	}
	return "", nil
}
