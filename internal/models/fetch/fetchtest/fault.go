package fetchtest

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with which requests.
type Fault struct {
	Kind  Kind   // of which requests
	Path  string // of which file; "" of any
	Times int    // how many of them; 0: all
	Do    Do
}

// Do answers a request. It returns false to let the right answer follow, which may go through a writer of its own.
type Do func(w *Answer, r *http.Request) (answered bool)

// Answer is a response that is about to go wrong.
type Answer struct {
	http.ResponseWriter
	File *File // nil if it is not about one

	noRange bool
	limit   int64 // bytes of the body before after happens; -1: none
	after   func()
	sent    int64
	change  func(at int64, b []byte)
	more    int // bytes of rubbish after the body
	etag    string
	rng     *string
	pause   func(n int)
}

// Status answers with a status, and headers given as pairs.
func Status(code int, headers ...string) Do {
	return func(w *Answer, _ *http.Request) bool {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		http.Error(w, "no", code)
		return true
	}
}

// Body answers 200 with that body.
func Body(contentType, body string) Do {
	return func(w *Answer, _ *http.Request) bool {
		w.Header().Set("Content-Type", contentType)
		fmt.Fprint(w, body)
		return true
	}
}

// Stall sends n bytes of the body and then nothing more, until the client goes or the hub is closed.
func Stall(n int64) Do {
	return func(w *Answer, r *http.Request) bool {
		w.limit, w.after = n, func() { <-r.Context().Done() }
		return false
	}
}

// Hang answers nothing, not even headers, until the client goes.
func Hang() Do {
	return func(_ *Answer, r *http.Request) bool { <-r.Context().Done(); return true }
}

// Reset sends n bytes of the body and then resets the connection, as a router does that lost it.
func Reset(n int64) Do {
	return func(w *Answer, _ *http.Request) bool {
		w.limit, w.after = n, func() { cut(w, true) }
		return false
	}
}

// Short sends n bytes of the body and then closes the connection.
func Short(n int64) Do {
	return func(w *Answer, _ *http.Request) bool {
		w.limit, w.after = n, func() { cut(w, false) }
		return false
	}
}

// cut ends the connection under a response.
func cut(w *Answer, reset bool) {
	http.NewResponseController(w.ResponseWriter).Flush()
	c, _, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if t, ok := c.(*net.TCPConn); ok && reset {
		t.SetLinger(0)
	}
	c.Close()
}

// Long sends n bytes more than were asked for, and says so in no header.
func Long(n int) Do {
	return func(w *Answer, _ *http.Request) bool { w.more = n; return false }
}

// WrongBytes turns over a bit of the byte at that offset of the file.
func WrongBytes(at int64) Do {
	return func(w *Answer, _ *http.Request) bool {
		w.change = func(from int64, b []byte) {
			if i := at - from; i >= 0 && i < int64(len(b)) {
				b[i] ^= 1
			}
		}
		return false
	}
}

// IgnoreRange answers with the whole file whatever part is asked for.
func IgnoreRange() Do {
	return func(w *Answer, _ *http.Request) bool { w.noRange = true; return false }
}

// WrongRange answers with that Content-Range; "": without one.
func WrongRange(text string) Do {
	return func(w *Answer, _ *http.Request) bool { w.rng = &text; return false }
}

// NewETag answers as if the file had become another version.
func NewETag(etag string) Do {
	return func(w *Answer, _ *http.Request) bool { w.etag = etag; return false }
}

// Slow sends at most that many bytes in a second.
func Slow(perSecond int) Do {
	return func(w *Answer, r *http.Request) bool {
		w.pause = func(n int) {
			select {
			case <-time.After(time.Duration(n) * time.Second / time.Duration(perSecond)):
			case <-r.Context().Done():
			}
		}
		return false
	}
}

// Gate lets a body's first n bytes pass, then tells reached and waits for open or the client's end.
func Gate(n int64, reached func(), open <-chan struct{}) Do {
	return func(w *Answer, r *http.Request) bool {
		w.limit, w.after = n, func() {
			reached()
			select {
			case <-open:
				w.limit = -1
			case <-r.Context().Done():
			}
		}
		return false
	}
}

// RedirectTo redirects to that address.
func RedirectTo(address string) Do {
	return func(w *Answer, r *http.Request) bool {
		http.Redirect(w, r, address, http.StatusFound)
		return true
	}
}

// RedirectLoop redirects to where the request came.
func RedirectLoop() Do {
	return func(w *Answer, r *http.Request) bool {
		http.Redirect(w, r, r.URL.String(), http.StatusFound)
		return true
	}
}

// GzipBomb answers with a small body that would unfold to n bytes.
func GzipBomb(n int64) Do {
	b := zeros(n)
	return func(w *Answer, _ *http.Request) bool {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.Write(b)
		return true
	}
}

// Wait tells begun, waits for open or the client's end, and goes on with next.
func Wait(begun func(), open <-chan struct{}, next Do) Do {
	return func(w *Answer, r *http.Request) bool {
		begun()
		select {
		case <-open:
		case <-r.Context().Done():
		}
		return next(w, r)
	}
}

// NextPage says that the list goes on at that address.
func NextPage(address string) Do {
	return func(w *Answer, _ *http.Request) bool {
		w.Header().Set("Link", fmt.Sprintf("<%s>; rel=\"next\"", address))
		return false
	}
}
