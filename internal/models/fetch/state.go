package fetch

import (
	"encoding/json"
	"io"
	"os"
)

const (
	partialEnd = ".partial"
	stateEnd   = ".partial.json"
)

// state is what a partial file is a part of, and how much of it is there: what a resume has to know.
type state struct {
	SHA256  string  `json:"sha256"` // of the whole; what identifies it
	Size    int64   `json:"size"`   // bytes, of the whole
	ETag    string  `json:"etag,omitempty"`
	Segment int64   `json:"segment"` // bytes; the last one may be shorter
	Done    []int64 `json:"done"`    // bytes from the start of each segment
}

const maxState = 8 << 20 // bytes; the largest file in the shortest segments has 2 million of them, and starts anew

func newState(f file, segment int64) state {
	return state{SHA256: f.sha256, Size: f.size, Segment: segment, Done: make([]int64, (f.size+segment-1)/segment)}
}

// length is that of segment i.
func (s *state) length(i int) int64 { return min(s.Segment, s.Size-int64(i)*s.Segment) }

// bytes returns how much is there.
func (s *state) bytes() (n int64) {
	for _, d := range s.Done {
		n += d
	}
	return n
}

// of reports whether s is a state of f that can be gone on from.
func (s *state) of(f file) bool {
	if s.SHA256 != f.sha256 || s.Size != f.size || s.Segment <= 0 || s.Segment > f.size && len(s.Done) != 1 ||
		int64(len(s.Done)) != (s.Size-1)/s.Segment+1 || len(s.ETag) > 1024 {
		return false
	}
	for i, n := range s.Done {
		if n < 0 || n > s.length(i) {
			return false
		}
	}
	return true
}

// readState returns the state of f's partial file; ok is false if there is none to go on from.
func readState(root *os.Root, f file) (s state, ok bool) {
	in, err := root.Open(f.name() + stateEnd)
	if err != nil {
		return s, false
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxState))
	if err != nil || json.Unmarshal(b, &s) != nil || !s.of(f) {
		return state{}, false
	}
	// The file has its full length from the start; one of another length is not what the state speaks of.
	info, err := root.Lstat(f.name() + partialEnd)
	return s, err == nil && info.Mode().IsRegular() && info.Size() == f.size
}

// writeState replaces the state at once, so that a reader finds the old one or the new one.
func writeState(root *os.Root, f file, s state) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name, next := f.name()+stateEnd, f.name()+stateEnd+"~"
	if err := root.WriteFile(next, b, 0o600); err != nil {
		return err
	}
	return root.Rename(next, name)
}

// removePartial removes the partial file and its state.
func removePartial(root *os.Root, f file) error {
	var first error
	for _, end := range []string{partialEnd, stateEnd, stateEnd + "~"} {
		if err := root.Remove(f.name() + end); err != nil && !os.IsNotExist(err) && first == nil {
			first = err
		}
	}
	return first
}
