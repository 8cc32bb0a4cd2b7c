package lend

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"rbee/internal/fault"
	"rbee/internal/models"
	"rbee/internal/models/fetch"
)

// What a hive asks for, below the name of its loan, and the answers.
//
//	GET  copy           offer
//	GET  copy/N         the bytes of file N, by ranges
//	GET  copy/N/digest  its SHA-256; spaces come before it for as long as it takes
//	GET  endpoint       of the hub
//	POST token          for it
type (
	offer struct {
		Folder string      `json:"folder"`
		Files  []offerFile `json:"files"`
	}
	offerFile struct {
		Name     string    `json:"name"`
		Size     int64     `json:"size"`
		Modified time.Time `json:"modified"`
	}
	answer struct {
		Value string       `json:"value,omitempty"`
		Error *fault.Error `json:"error,omitempty"`
	}
)

// fromKey keeps in a request's context who makes it.
type fromKey struct{}

// ConnContext notes whose connection it is; it belongs into the http.Server that serves a Desk.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, fromKey{}, c.RemoteAddr())
}

// ServeHTTP answers a hive.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{loan}/copy", d.lent(push, d.offer))
	mux.HandleFunc("GET /{loan}/copy/{n}", d.lent(push, d.file))
	mux.HandleFunc("GET /{loan}/copy/{n}/digest", d.lent(push, d.digest))
	mux.HandleFunc("GET /{loan}/endpoint", d.lent(hub, func(w http.ResponseWriter, _ *http.Request, _ *loan) {
		write(w, answer{Value: fetch.Endpoint(d.Getenv)})
	}))
	mux.HandleFunc("POST /{loan}/token", d.lent(hub, func(w http.ResponseWriter, _ *http.Request, _ *loan) {
		write(w, answer{Value: fetch.Token(d.Getenv)})
	}))
	mux.ServeHTTP(w, r)
}

func push(l *loan) bool { return l.push }
func hub(l *loan) bool  { return l.hub }

// lent serves those who have such a loan. For all others there is nothing.
func (d *Desk) lent(such func(*loan) bool, serve func(http.ResponseWriter, *http.Request, *loan)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, ok := r.Context().Value(fromKey{}).(net.Addr)
		if !ok {
			http.NotFound(w, r)
			return
		}
		l := d.find(r.PathValue("loan"), from)
		if l == nil || !such(l) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		serve(w, r, l)
	}
}

func (d *Desk) offer(w http.ResponseWriter, r *http.Request, l *loan) {
	m, err := d.model(r.Context(), l, true)
	if err != nil {
		refuse(w, err)
		return
	}
	var o offer
	var names []string
	if o.Folder, names, err = models.Placed(Words(l.ref), l.ref.GetCwd(), m); err != nil {
		refuse(w, err)
		return
	}
	for i, path := range m.Files() {
		info, err := os.Stat(path)
		if err != nil {
			refuse(w, fault.Wrap(fault.ModelNotFound, err, "cannot read %s: %v", path, err))
			return
		}
		o.Files = append(o.Files, offerFile{names[i], info.Size(), info.ModTime().UTC()})
	}
	write(w, o)
}

// open opens the file that a request names.
func (d *Desk) open(r *http.Request, l *loan) (*os.File, os.FileInfo, error) {
	m, err := d.model(r.Context(), l, false)
	if err != nil {
		return nil, nil, err
	}
	files := m.Files()
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(files) {
		return nil, nil, fault.New(fault.InvalidRequest, "there is no file %.20q", r.PathValue("n"))
	}
	f, err := os.Open(files[n])
	if err != nil {
		return nil, nil, fault.Wrap(fault.ModelNotFound, err, "cannot read %s: %v", files[n], err)
	}
	info, err := f.Stat()
	return f, info, err
}

func (d *Desk) file(w http.ResponseWriter, r *http.Request, l *loan) {
	f, info, err := d.open(r, l)
	if err != nil {
		refuse(w, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()))
	http.ServeContent(w, r, "", time.Time{}, f)
}

// keepAlive is how often somebody who waits for a digest hears that it is being computed.
const keepAlive = 5 * time.Second

func (d *Desk) digest(w http.ResponseWriter, r *http.Request, l *loan) {
	f, info, err := d.open(r, l)
	if err != nil {
		refuse(w, err)
		return
	}
	path := f.Name()
	f.Close()
	d.mu.Lock()
	known, ok := d.digests[path]
	d.mu.Unlock()
	if ok && known.size == info.Size() && known.modified.Equal(info.ModTime()) {
		write(w, answer{Value: known.sha256})
		return
	}
	done := make(chan error, 1)
	go func() {
		var err error
		known.sha256, err = models.Digest(r.Context(), path, nil)
		done <- err
	}()
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				write(w, answer{Error: fault.From(err)}) // the status may be out already
				return
			}
			d.remember(path, digest{info.Size(), info.ModTime(), known.sha256})
			write(w, answer{Value: known.sha256})
			return
		case <-tick.C:
			if _, err := w.Write([]byte(" ")); err == nil {
				_ = http.NewResponseController(w).Flush()
			}
		}
	}
}

const maxDigests = 1024 // more files than anybody pushes; then it starts afresh

func (d *Desk) remember(path string, s digest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.digests == nil || len(d.digests) >= maxDigests {
		d.digests = map[string]digest{}
	}
	d.digests[path] = s
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who asked may be gone; there is nobody else to tell
}

func refuse(w http.ResponseWriter, err error) {
	f := fault.From(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Code.HTTPStatus())
	_ = json.NewEncoder(w).Encode(answer{Error: f})
}
