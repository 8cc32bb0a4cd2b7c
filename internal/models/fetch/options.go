package fetch

import (
	"net/http"
	"os"
	"time"
)

// Options of a Fetcher. The zero value downloads from Hugging Face at the defaults.
type Options struct {
	// Getenv reads HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME and HOME; nil is os.Getenv.
	Getenv func(string) string
	// Parallel is how many segments come at the same time; 0 is 4.
	Parallel int
	// Segment is the length of a segment in bytes; 0: it grows with the file, 8 to 64 MiB.
	Segment int64

	Attempts      int           // of one request, in a row without a byte; 0 is 6
	FirstWait     time.Duration // before the second attempt, doubling from there; 0 is 100 ms
	MaxWait       time.Duration // where the doubling ends; 0 is 3.2 s
	MaxRetryAfter time.Duration // the longest wait that a server may ask for; 0 is 60 s
	Stall         time.Duration // an attempt ends when no byte came for so long; 0 is 60 s

	SaveEvery time.Duration // how much of a download SIGKILL or a power cut costs; 0 is 2 s

	// Transport carries the requests; nil is one for downloads (client.go). A token is added above it.
	Transport http.RoundTripper
}

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	set(&o.Parallel, 4)
	set(&o.Attempts, 6)
	set(&o.FirstWait, 100*time.Millisecond)
	set(&o.MaxWait, 3200*time.Millisecond)
	set(&o.MaxRetryAfter, time.Minute)
	set(&o.Stall, time.Minute)
	set(&o.SaveEvery, 2*time.Second)
	if o.Transport == nil {
		o.Transport = transport()
	}
	return o
}

func set[T int | time.Duration](v *T, normally T) {
	if *v <= 0 {
		*v = normally
	}
}

// segment is the length of the segments of a file. Short ones let hashing follow closely and lose little when a
// connection breaks; each costs a request, so a large file has longer ones.
func (o Options) segment(size int64) int64 {
	const shortest, longest, about = 8 << 20, 64 << 20, 64
	if o.Segment > 0 {
		return o.Segment
	}
	return min(max(size/about, shortest), longest) &^ (1<<20 - 1)
}
