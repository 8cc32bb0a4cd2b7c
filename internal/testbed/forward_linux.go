package testbed

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// forwarder carries Ethernet frames between two interfaces, late, and not all of them. It uses packet sockets, not
// TUN, because they see what is on the cable as it is: no address, no route, no kernel in between.
type forwarder struct {
	ends [2]*os.File
	stop chan struct{}
	done sync.WaitGroup
}

// held bounds the frames on their way in one direction, some 6 MB: a line that is fuller loses them, as lines do.
const held = 4096

type frame struct {
	due  time.Time
	data []byte
}

// forward starts a forwarder in the namespace.
func (ns netns) forward(a, b string, l Line) (*forwarder, error) {
	f := &forwarder{stop: make(chan struct{})}
	for i, name := range []string{a, b} {
		err := ns.do(func() (err error) {
			f.ends[i], err = packetSocket(name)
			return err
		})
		if err != nil {
			f.close()
			return nil, fmt.Errorf("cannot forward between %s and %s: %w", a, b, err)
		}
	}
	for i := range f.ends {
		queue := make(chan frame, held)
		f.done.Add(2)
		go f.receive(f.ends[i], queue, l, rand.New(rand.NewPCG(uint64(i), 2003))) // the same losses in every run
		go f.send(f.ends[1-i], queue)
	}
	return f, nil
}

// packetSocket returns a socket for what arrives at an interface, and to send from it.
func packetSocket(name string) (*os.File, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
	// Of no protocol until it is bound, so that it hears nothing of other interfaces.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1), // what we send ourselves
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20), // the token bucket decides, not this
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (f *forwarder) receive(from *os.File, queue chan<- frame, l Line, dice *rand.Rand) {
	defer f.done.Done()
	defer close(queue)
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b)
		if errors.Is(err, unix.ENETDOWN) {
			continue // said once, when the link goes down
		}
		if err != nil {
			return
		}
		if dice.Float64() < l.Loss {
			continue
		}
		select {
		case queue <- frame{time.Now().Add(l.Delay), append([]byte(nil), b[:n]...)}:
		default:
		}
	}
}

func (f *forwarder) send(to *os.File, queue <-chan frame) {
	defer f.done.Done()
	clock := time.NewTimer(0)
	defer clock.Stop()
	for p := range queue {
		clock.Reset(time.Until(p.due))
		select {
		case <-clock.C:
		case <-f.stop:
			return
		}
		to.Write(p.data) // a full or broken line loses it
	}
}

// close loses what is on its way.
func (f *forwarder) close() {
	close(f.stop)
	for _, end := range f.ends {
		if end != nil {
			end.Close()
		}
	}
	f.done.Wait()
}
