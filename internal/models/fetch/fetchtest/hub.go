package fetchtest

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
)

// Commit is the only commit of every repository.
const Commit = "0123456789abcdef0123456789abcdef01234567"

// Host says which of the two servers a request came to, and Kind what it wanted.
type (
	Host string
	Kind string
)

const (
	TheHub   Host = "hub"
	TheStore Host = "store"

	Info    Kind = "info"    // which commit is the branch at
	Tree    Kind = "tree"    // which files has it
	Resolve Kind = "resolve" // where is this file: a redirect
	Bytes   Kind = "bytes"   // the file
)

// Request is what a client asked.
type Request struct {
	Host  Host
	Kind  Kind
	Path  string
	Range string // the header of that name, as the next two
	If    string // If-Range
	Auth  string // Authorization
}

// Hub is the two servers.
type Hub struct {
	URL, StoreURL string
	// Page is how many files are in a page of a list; 0: all.
	Page int
	// Token, if not "", must come with every request to the hub; without it the answer is 401.
	Token string

	hub, store *httptest.Server

	mu       sync.Mutex
	repos    map[string][]*File
	faults   []*Fault
	requests []Request
}

// File is one file of a repository, and what the hub says about it.
type File struct {
	Path    string
	Content []byte // the servers do not change it
	SHA256  string // as listed; "" for a file that is not in the large file store
	Size    int64  // as listed
	ETag    string
}

// New starts a hub without repositories. It runs until Close.
func New() *Hub { return NewAt("127.0.0.1") }

// NewAt is New at an address of this machine that others can reach.
func NewAt(ip string) *Hub {
	h := &Hub{repos: map[string][]*File{}}
	serve := func(handler http.HandlerFunc) *httptest.Server {
		l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
		if err != nil {
			panic(err) // as httptest does
		}
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: handler}}
		s.Start()
		return s
	}
	h.hub, h.store = serve(h.serveHub), serve(h.serveStore)
	h.URL, h.StoreURL = h.hub.URL, h.store.URL
	return h
}

// Close ends both servers, and the requests that still run.
func (h *Hub) Close() {
	for _, s := range []*httptest.Server{h.hub, h.store} {
		s.CloseClientConnections()
		s.Close()
	}
}

// Add puts a file into a repository (org/repo) and returns it, to be changed before the first request if it is to
// be listed wrongly.
func (h *Hub) Add(repo, path string, content []byte) *File {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	f := &File{path, content, digest, int64(len(content)), `"` + digest[:32] + `"`}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repos[repo] = append(h.repos[repo], f)
	return f
}

// Claim has the hub say that a file has another size than its content.
func (h *Hub) Claim(f *File, size int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.Size = size
}

// size is what the hub says of a file.
func (h *Hub) size(f *File) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return f.Size
}

// Break makes requests go wrong from now on.
func (h *Hub) Break(f Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, &f)
}

// Mend ends all faults.
func (h *Hub) Mend() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = nil
}

// Requests returns what was asked so far, of the given kinds, or all.
func (h *Hub) Requests(kinds ...Kind) []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []Request
	for _, r := range h.requests {
		if len(kinds) == 0 || slices.Contains(kinds, r.Kind) {
			found = append(found, r)
		}
	}
	return found
}

// Forget empties the record of requests.
func (h *Hub) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = nil
}

// Getenv is an environment that leads to the hub, as os.Getenv would see it.
func (h *Hub) Getenv(name string) string {
	return map[string]string{"HF_ENDPOINT": h.URL, "HF_TOKEN": h.Token}[name]
}

// File returns a file of a repository, nil if there is none of that path.
func (h *Hub) File(repo, path string) *File {
	_, f := h.find(repo, path)
	return f
}

// Replace gives a file other content, as a new commit does. The commit's name stays.
func (h *Hub) Replace(repo, path string, content []byte) *File {
	h.mu.Lock()
	h.repos[repo] = slices.DeleteFunc(h.repos[repo], func(f *File) bool { return f.Path == path })
	h.mu.Unlock()
	return h.Add(repo, path, content)
}
