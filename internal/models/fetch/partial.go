package fetch

import (
	"os"
	"sync"
)

// partial is a file while it comes: written in any order, its state saved now and then.
type partial struct {
	root *os.Root
	f    *os.File
	file file
	wake chan struct{} // a token when something was written; for the hash
	m    *meter

	mu      sync.Mutex
	state   state
	changed bool // since it was saved
	next    int  // segments before it were given out
}

// openPartial goes on with the partial file that is there, or starts one with all its space taken.
func openPartial(root *os.Root, f file, segment int64, m *meter) (*partial, error) {
	p := &partial{root: root, file: f, wake: make(chan struct{}, 1), m: m}
	s, ok := readState(root, f)
	flags := os.O_RDWR
	if !ok {
		if err := removePartial(root, f); err != nil {
			return nil, err
		}
		s, flags = newState(f, segment), flags|os.O_CREATE|os.O_EXCL
	}
	out, err := root.OpenFile(f.name()+partialEnd, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if !ok {
		if err := allocate(out, f.size); err != nil {
			out.Close()
			return nil, err
		}
	}
	p.f, p.state, p.changed = out, s, true
	m.have(p.bytes())
	return p, nil
}

func (p *partial) bytes() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.bytes()
}

// reset forgets all that has come: it was of another file.
func (p *partial) reset() {
	p.m.have(-p.bytes())
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.state.Done)
	p.state.ETag, p.next, p.changed = "", 0, true
}

// rewind gives all segments out again that are not whole.
func (p *partial) rewind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = 0
}

// take gives out the next segment that is not whole.
func (p *partial) take() (i int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ; p.next < len(p.state.Done); p.next++ {
		if i := p.next; p.state.Done[i] < p.state.length(i) {
			p.next++
			return i, true
		}
	}
	return 0, false
}

// todo returns the bytes of segment i that are missing: from, and up to before to.
func (p *partial) todo(i int) (from, to int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := int64(i) * p.state.Segment
	return start + p.state.Done[i], start + p.state.length(i)
}

// write adds bytes right behind those that are there, in the segment that off is in and those after it.
func (p *partial) write(b []byte, off int64) error {
	if _, err := p.f.WriteAt(b, off); err != nil {
		return err
	}
	p.mu.Lock()
	for n := int64(len(b)); n > 0; {
		i := int(off / p.state.Segment)
		step := min(n, int64(i)*p.state.Segment+p.state.length(i)-off)
		p.state.Done[i] += step
		off, n = off+step, n-step
	}
	p.changed = true
	p.mu.Unlock()
	p.m.got(int64(len(b)))
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// whole returns how many bytes are there without a gap, counted from the start.
func (p *partial) whole() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, d := range p.state.Done {
		n += d
		if d < p.state.length(i) {
			break
		}
	}
	return n
}

// save writes the state down. With sync the bytes it speaks of are on the disk before, so that it is right even
// after a power cut; without, it is right whatever becomes of this process.
func (p *partial) save(sync bool) error {
	p.mu.Lock()
	if !p.changed {
		p.mu.Unlock()
		return nil
	}
	s := p.state
	s.Done = append([]int64(nil), s.Done...)
	p.changed = false
	p.mu.Unlock()
	err := error(nil)
	if sync {
		err = p.f.Sync()
	}
	if err == nil {
		err = writeState(p.root, p.file, s)
	}
	if err != nil {
		p.mu.Lock()
		p.changed = true
		p.mu.Unlock()
	}
	return err
}

// etag returns the version of the file that the bytes are of, "" as long as none is known.
func (p *partial) etag() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.ETag
}

// learn notes the version; false if another one was known.
func (p *partial) learn(etag string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.ETag == "" {
		p.state.ETag = etag
	}
	return etag == "" || p.state.ETag == etag
}

// finish gives the file its name, once it is safe on the disk, and removes the state.
func (p *partial) finish() error {
	if err := p.f.Sync(); err != nil {
		return err
	}
	if err := p.root.Rename(p.file.name()+partialEnd, p.file.name()); err != nil {
		return err
	}
	if m := p.file.modified; !m.IsZero() {
		if err := p.root.Chtimes(p.file.name(), m, m); err != nil {
			return err
		}
	}
	if err := syncFolder(p.root); err != nil {
		return err
	}
	return removePartial(p.root, p.file)
}

func syncFolder(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
