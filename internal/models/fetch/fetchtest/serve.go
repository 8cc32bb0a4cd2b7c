package fetchtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// note records a request and returns the answer to it, with the fault that is due.
func (h *Hub) note(w http.ResponseWriter, r *http.Request, host Host, kind Kind, f *File) (*Answer, Do) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, Request{host, kind, r.URL.Path, r.Header.Get("Range"), r.Header.Get("If-Range"), r.Header.Get("Authorization")})
	a := &Answer{ResponseWriter: w, File: f, limit: -1}
	for _, t := range h.faults {
		if t.Kind != kind || t.Path != "" && (f == nil || f.Path != t.Path) || t.Times < 0 {
			continue
		}
		if t.Times > 0 {
			if t.Times--; t.Times == 0 {
				t.Times = -1
			}
		}
		return a, t.Do
	}
	return a, nil
}

func (h *Hub) find(repo, path string) (files []*File, f *File) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.repos[repo] {
		if f.Path == path {
			return h.repos[repo], f
		}
	}
	return h.repos[repo], nil
}

func (h *Hub) serveHub(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case len(parts) >= 6 && parts[0] == "api" && parts[4] == "revision":
		h.info(w, r, parts[2]+"/"+parts[3])
	case len(parts) >= 6 && parts[0] == "api" && parts[4] == "tree":
		h.tree(w, r, parts[2]+"/"+parts[3])
	case len(parts) >= 5 && parts[2] == "resolve":
		h.resolve(w, r, parts[0]+"/"+parts[1], strings.Join(parts[4:], "/"))
	default:
		http.NotFound(w, r)
	}
}

// allowed answers for the hub if a token is missing or the repository is.
func (h *Hub) allowed(w http.ResponseWriter, r *http.Request, repo string) bool {
	if h.Token != "" && r.Header.Get("Authorization") != "Bearer "+h.Token {
		http.Error(w, "no", http.StatusUnauthorized)
		return false
	}
	if files, _ := h.find(repo, ""); files == nil {
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, "no", http.StatusNotFound)
		return false
	}
	return true
}

func (h *Hub) info(w http.ResponseWriter, r *http.Request, repo string) {
	a, do := h.note(w, r, TheHub, Info, nil)
	if do != nil && do(a, r) || !h.allowed(w, r, repo) {
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"id": repo, "sha": Commit, "private": false})
}

func (h *Hub) tree(w http.ResponseWriter, r *http.Request, repo string) {
	a, do := h.note(w, r, TheHub, Tree, nil)
	if do != nil && do(a, r) || !h.allowed(w, r, repo) {
		return
	}
	files, _ := h.find(repo, "")
	from, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
	to := len(files)
	if h.Page > 0 && from+h.Page < to {
		to = from + h.Page
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?recursive=true&cursor=%d>; rel="next"`, h.URL, r.URL.Path, to))
	}
	list := []map[string]any{{"type": "directory", "path": "folder", "oid": "0", "size": 0}, {"type": "file", "path": "README.md", "size": 12}}
	for _, f := range files[from:to] {
		e := map[string]any{"type": "file", "path": f.Path, "oid": "0", "size": h.size(f)}
		if f.SHA256 != "" {
			e["lfs"] = map[string]any{"oid": f.SHA256, "size": h.size(f), "pointerSize": 135}
		}
		list = append(list, e)
	}
	json.NewEncoder(w).Encode(list)
}

// resolve leads to the store, with what stands for a signature.
func (h *Hub) resolve(w http.ResponseWriter, r *http.Request, repo, path string) {
	_, f := h.find(repo, path)
	a, do := h.note(w, r, TheHub, Resolve, f)
	if do != nil && do(a, r) || !h.allowed(w, r, repo) {
		return
	}
	if f == nil {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "no", http.StatusNotFound)
		return
	}
	http.Redirect(w, r, h.StoreURL+(&url.URL{Path: "/" + repo + "/" + path}).EscapedPath()+"?signature=secret", http.StatusFound)
}

func (h *Hub) serveStore(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) != 3 {
		http.NotFound(w, r)
		return
	}
	_, f := h.find(parts[0]+"/"+parts[1], parts[2])
	a, do := h.note(w, r, TheStore, Bytes, f)
	if do != nil && do(a, r) {
		return
	}
	if f == nil {
		http.NotFound(w, r)
		return
	}
	a.file(r)
}

// file answers with the file, or the part that is asked for.
func (a *Answer) file(r *http.Request) {
	content := a.File.Content
	etag := a.File.ETag
	if a.etag != "" {
		etag = a.etag
	}
	a.Header().Set("ETag", etag)
	from, to, part := int64(0), int64(len(content)), false
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err == nil && !a.noRange &&
		(r.Header.Get("If-Range") == "" || r.Header.Get("If-Range") == etag) {
		part = true
		to++
	} else {
		from, to = 0, int64(len(content))
	}
	if to > int64(len(content)) || from > to {
		a.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	if a.more == 0 {
		a.Header().Set("Content-Length", strconv.FormatInt(to-from, 10))
	}
	if part {
		a.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)))
		if a.rng != nil {
			a.Header().Set("Content-Range", *a.rng)
		}
		a.WriteHeader(http.StatusPartialContent)
	}
	a.send(from, content[from:to])
	a.Write(make([]byte, a.more))
}

// send writes the body, which begins at that offset of the file, up to where it goes wrong.
func (a *Answer) send(at int64, b []byte) {
	for len(b) > 0 {
		n := min(len(b), 64<<10)
		if a.pause != nil {
			n = min(n, 4<<10)
		}
		if a.limit >= 0 && a.sent+int64(n) >= a.limit {
			n = int(a.limit - a.sent)
		}
		piece := b[:n]
		if a.change != nil {
			piece = bytes.Clone(piece)
			a.change(at, piece)
		}
		if _, err := a.Write(piece); err != nil {
			return
		}
		at, b, a.sent = at+int64(n), b[n:], a.sent+int64(n)
		if a.pause != nil {
			a.pause(n)
		}
		if a.limit >= 0 && a.sent >= a.limit {
			http.NewResponseController(a.ResponseWriter).Flush()
			if a.after(); a.limit >= 0 {
				return
			}
		}
	}
}

// zeros returns n zero bytes, packed.
func zeros(n int64) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.CopyN(z, zero{}, n)
	z.Close()
	return b.Bytes()
}

type zero struct{}

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }
