package fetch

import (
	"os"
	"syscall"

	"rbee/internal/fault"
)

// makeRoom checks that the files fit on the disk. What partial files hold already is counted; if they do not fit,
// the partial files are removed: they hold space that somebody seems to need.
func makeRoom(root *os.Root, files []file) error {
	var need int64
	for _, f := range files {
		need += f.size
		if info, err := root.Lstat(f.name() + partialEnd); err == nil {
			need -= min(f.size, allocated(info))
		}
	}
	free, err := free(root)
	if err != nil {
		return err
	}
	if need <= free {
		return nil
	}
	for _, f := range files {
		removePartial(root, f)
	}
	return diskFull(root, need, free)
}

func diskFull(root *os.Root, need, free int64) error {
	return fault.New(fault.DiskFull, "the disk of %s is too full: %s (%d bytes) are needed, %s (%d bytes) are free",
		root.Name(), amount(need), need, amount(free), free).
		WithHint("make room there, or give another model directory with --models-dir").
		With("path", root.Name()).With("needed", need).With("free", free)
}

// free returns how many bytes a user may still write there.
func free(root *os.Root) (int64, error) {
	d, err := root.Open(".")
	if err != nil {
		return 0, err
	}
	defer d.Close()
	var s syscall.Statfs_t
	if err := syscall.Fstatfs(int(d.Fd()), &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: root.Name(), Err: err}
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}

// allocated returns the bytes of a file that are really on the disk.
func allocated(info os.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return 0
}
