package testbed

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// plain makes the bed's ends of all cables do without offloads, as real lines do: else a "packet" has up to 64 kB
// and no checksum, and losing one is not what losing a packet is.
func (b *Bed) plain() error {
	if b.isPlain {
		return nil
	}
	errs := []error{noOffload(b.net.leg())}
	for _, h := range b.Hosts {
		errs = append(errs, h.ns.do(func() error { return noOffload("eth0") }))
	}
	err := errors.Join(errs...)
	b.isPlain = err == nil
	return err
}

// noOffload does what ethtool -K NAME tx off tso off gso off does, in the namespace of the thread.
func noOffload(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, what := range []uint32{unix.ETHTOOL_STXCSUM, unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO} {
		value := struct{ cmd, data uint32 }{cmd: what}
		request := struct {
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte
		}{data: unsafe.Pointer(&value)}
		copy(request.name[:], name)
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); e != 0 {
			return fmt.Errorf("ethtool %#x %s: %w", what, name, e)
		}
	}
	return nil
}
