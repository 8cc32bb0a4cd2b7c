//go:build !linux

package fetch

import "os"

// allocate gives a new file its length. Its space is taken as it is written.
func allocate(f *os.File, size int64) error { return f.Truncate(size) }
