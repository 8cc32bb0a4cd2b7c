package runlog

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Run is the log folder of one run.
type Run struct {
	ID   string
	Path string
	Last time.Time // when something was written last
}

// Runs lists the runs below logs that wrote something, the newest first.
func Runs(logs string) ([]Run, error) {
	entries, err := os.ReadDir(logs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var runs []Run
	for _, e := range entries {
		r := Run{ID: e.Name(), Path: filepath.Join(logs, e.Name())}
		files, _ := filepath.Glob(filepath.Join(r.Path, "*.log")) // an error only for a bad pattern
		for _, f := range files {
			if st, err := os.Stat(f); err == nil && st.ModTime().After(r.Last) {
				r.Last = st.ModTime()
			}
		}
		if len(files) > 0 {
			runs = append(runs, r)
		}
	}
	slices.SortFunc(runs, func(a, b Run) int { return b.Last.Compare(a.Last) })
	return runs, nil
}

// Entry is one line of a log.
type Entry struct {
	Name string // whose: "hive-localhost", "worker-0.1"
	Text string // with its time in front, in UTC; a queen's is JSON, with its time as the first field
	at   time.Time
}

// Reader reads the files of one run as one log, in the order of the lines' times.
type Reader struct {
	run  Run
	want func(name string) bool
	at   map[string]int64 // of each file: how far it was read
}

// Read returns a reader of what run wrote and writes. want says whose lines; nil is everybody's.
func (r Run) Read(want func(name string) bool) *Reader {
	if want == nil {
		want = func(string) bool { return true }
	}
	return &Reader{run: r, want: want, at: map[string]int64{}}
}

// Names lists whose lines the run has.
func (r Run) Names() (names []string) {
	files, _ := filepath.Glob(filepath.Join(r.Path, "*.log"))
	for _, f := range files {
		names = append(names, nameOf(f))
	}
	return names
}

func nameOf(file string) string { return strings.TrimSuffix(filepath.Base(file), ".log") }

// Next returns the whole lines that were written since the last call, of all files together, ordered by their times.
func (r *Reader) Next() ([]Entry, error) {
	files, _ := filepath.Glob(filepath.Join(r.run.Path, "*.log"))
	var all []Entry
	for _, f := range files {
		if !r.want(nameOf(f)) {
			continue
		}
		es, err := r.grown(f)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it was pruned meanwhile
			return nil, err
		}
		all = append(all, es...)
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return a.at.Compare(b.at) }) // lines of one file stay in its order
	return all, nil
}

// stamp returns the time of a line, to the millisecond: no log but the queen's knows more.
func stamp(line string) (time.Time, bool) {
	text, json := strings.CutPrefix(line, `{"time":"`)
	end := " "
	if json {
		end = `"`
	}
	text, _, _ = strings.Cut(text, end)
	t, err := time.Parse(time.RFC3339Nano, text)
	return t.Truncate(time.Millisecond), err == nil
}

// grown returns the whole lines behind what was read of a file already. One that became shorter is read anew: it was
// rotated.
func (r *Reader) grown(path string) (all []Entry, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() < r.at[path] {
		r.at[path] = 0
	}
	if _, err := f.Seek(r.at[path], io.SeekStart); err != nil {
		return nil, err
	}
	in := bufio.NewReader(f)
	var at time.Time // a line that says no time was written with the one before
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return all, nil // the rest of a line comes later
		}
		r.at[path] += int64(len(line))
		text := string(bytes.TrimRight(line, "\n"))
		if t, ok := stamp(text); ok {
			at = t
		}
		all = append(all, Entry{nameOf(path), text, at})
	}
}
