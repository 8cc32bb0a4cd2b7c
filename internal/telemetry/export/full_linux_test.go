package export

import (
	"testing"

	"rbee/internal/fault"
)

// Linux has a device that is always full.
func TestAFullDiskIsSaid(t *testing.T) {
	environment(t)
	err := open(t, Options{File: "/dev/full"}).Close(command(t))
	if fault.CodeOf(err) != fault.DiskFull {
		t.Errorf("got %v, want DISK_FULL", err)
	}
}
