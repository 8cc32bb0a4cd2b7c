package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rbee/internal/testkit"
)

// File is a file, folder, link or socket of a host.
type File struct {
	Path string // as the host sees it
	Size int64
	Mode fs.FileMode
	UID  int
}

func (f File) String() string { return fmt.Sprintf("%v %5d %10d %s", f.Mode, f.UID, f.Size, f.Path) }

// Places are where a host can be written, with everything that is written there.
var Places = []string{"/home", "/ro" + "ot", "/tmp", "/var/tmp", "/run", "/dev/shm"}

// Files lists everything below the given folders of the host, or below Places if there are none, by path. Links
// are not followed; what does not exist holds nothing.
func (h *Host) Files(below ...string) ([]File, error) {
	if len(below) == 0 {
		below = h.places()
	}
	root := h.Path("/")
	var all []File
	for _, dir := range below {
		err := fs.WalkDir(os.DirFS(root), strings.TrimPrefix(path.Clean(dir), "/"), func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) || path.Join("/", name) == path.Clean(dir) {
				return nil
			}
			if err != nil {
				return err
			}
			f := File{Path: path.Join("/", name), Size: info.Size(), Mode: info.Mode()}
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				f.UID = int(stat.Uid)
			}
			all = append(all, f)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

func (h *Host) places() []string {
	if h.bed.Caps.Hosts {
		return Places
	}
	return []string{h.Home(""), filepath.Join(h.dir, "tmp")}
}

// Listening lists the sockets of the host that take connections or datagrams from others: TCP, UDP, unix.
func (h *Host) Listening() ([]testkit.Listener, error) {
	all, err := h.Processes()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, p := range all {
		pids = append(pids, p.PID)
	}
	return testkit.Listeners(pids...)
}

// FillDisk fills the home of the host's user until room bytes are left.
func (h *Host) FillDisk(room int64) error {
	if err := h.bed.needsRoot(h.bed.Caps.Hosts, "FillDisk"); err != nil {
		return err
	}
	home := h.Path(h.Home(""))
	var s syscall.Statfs_t
	if err := syscall.Statfs(home, &s); err != nil {
		return err
	}
	f, err := os.Create(path.Join(home, "full"))
	if err != nil {
		return err
	}
	defer f.Close()
	return syscall.Fallocate(int(f.Fd()), 0, 0, int64(s.Bavail)*s.Bsize-room)
}
