package enginelib

import (
	"os"
	"path/filepath"
	"syscall"

	"rbee/internal/fault"
)

// partials is the name of work folders.
const partials = ".rbee-engine-*.partial"

// work is a folder beside the destination, in which one install does everything, so that the rename at the end stays
// inside one filesystem. It is locked for as long as its process lives: an install that was killed leaves its folder,
// and the next one, which can lock it, removes it.
type work struct {
	path string
	lock *os.File
}

// newWork makes the folder for an install into dir.
func newWork(dir string) (*work, error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fault.Wrap(fault.EngineUnavailable, err, "cannot make the folder %s: %v", parent, err)
	}
	// One at a time: a folder that was made and is not locked yet must not look like a dead one's.
	if turn, err := lockFolder(parent, syscall.LOCK_EX); err == nil {
		defer turn.Close()
	}
	path, err := os.MkdirTemp(parent, partials)
	if err != nil {
		return nil, fault.Wrap(fault.EngineUnavailable, err, "cannot write in %s: %v", parent, err).
			WithHint("choose another folder: RBEE_ENGINE_DIR=PATH rbee engine install")
	}
	w := &work{path: path}
	w.lock, _ = lockFolder(path, syscall.LOCK_EX|syscall.LOCK_NB) // on a filesystem without locks nothing is ever stale
	return w, nil
}

// remove is the end of the install, good or bad.
func (w *work) remove() {
	_ = os.RemoveAll(w.path)
	if w.lock != nil {
		w.lock.Close()
	}
}

// removeStale removes the work folders of installs into a folder of parent that are dead.
func removeStale(parent string) {
	turn, err := lockFolder(parent, syscall.LOCK_EX)
	if err != nil {
		return // no such folder, or no locks on this filesystem
	}
	defer turn.Close()
	found, _ := filepath.Glob(filepath.Join(escapeGlob(parent), partials))
	for _, path := range found {
		lock, err := lockFolder(path, syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // its process lives, or it is not ours to remove
		}
		_ = os.RemoveAll(path)
		lock.Close()
	}
}

// lockFolder takes the kernel's lock on a folder; it goes with the descriptor, and so with the process.
func lockFolder(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func escapeGlob(path string) string {
	var b []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			b = append(b, '\\')
		}
		b = append(b, path[i])
	}
	return string(b)
}
