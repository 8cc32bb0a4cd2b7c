package testbed

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// network is the wire of a bed: a bridge in a network namespace of its own, and a leg of it in the namespace of the
// test process.
type network struct {
	number int               // N of 10.203.N.0/24
	lock   *net.UnixListener // holds the number
	hub    netns
}

// Nobody is likely to use this range; its interfaces are our legs only, and nothing routes it on.
func (n *network) address(host int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 203, byte(n.number), byte(host)})
}

const (
	controlHost = 1  // the test process
	firstHost   = 11 // h1
)

// leg is the name of the bed's interface in the namespace of the test process.
func (n *network) leg() string { return fmt.Sprintf("rbeebed%d", n.number) }

// port is the name of the hub's end of a host's cable.
func port(host int) string { return fmt.Sprintf("port%d", host) }

// newNetwork takes a free number and makes the hub. The number is locked by an abstract socket, which the kernel
// frees with its process, however that ends.
func newNetwork() (*network, error) {
	n := &network{}
	for ; n.lock == nil; n.number++ {
		if n.number > 255 {
			return nil, errors.New("256 test beds on this machine already")
		}
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fmt.Sprintf("@rbee-testbed-%d", n.number), Net: "unix"})
		if err == nil {
			n.lock = l
			break
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, err
		}
	}
	if err := n.connect(); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *network) connect() (err error) {
	if err := n.dropLeg(); err != nil { // of a bed whose number we have now; the kernel is about to remove it
		return err
	}
	if n.hub, err = newNetns(); err != nil {
		return err
	}
	return n.hub.ip(
		"link add br0 type bridge forward_delay 0",
		"link set br0 addrgenmode none up",
		fmt.Sprintf("link add %s type veth peer name %s netns %d", port(controlHost), n.leg(), os.Getpid()),
		fmt.Sprintf("link set %s addrgenmode none master br0 up", port(controlHost)),
	)
}

// up gives the leg its address. It waits until here because an address is what makes the bed visible to other
// programs of the machine.
func (n *network) up() error {
	_, err := tool(fmt.Sprintf("link set %[1]s addrgenmode none up\naddr add %[2]s/24 dev %[1]s\n", n.leg(), n.address(controlHost)),
		"ip", "-batch", "-")
	return err
}

// plug connects the namespace of pid to the hub.
func (n *network) plug(host, pid int, ns netns) error {
	if err := n.hub.ip(
		fmt.Sprintf("link add %s type veth peer name eth0 netns %d", port(host), pid),
		fmt.Sprintf("link set %s addrgenmode none master br0 up", port(host)),
	); err != nil {
		return err
	}
	return ns.ip("link set lo up", "link set eth0 addrgenmode none up", fmt.Sprintf("addr add %s/24 dev eth0", n.address(host)))
}

// dropLeg removes our leg, if there is one; the hub's end goes with it.
func (n *network) dropLeg() error {
	_, err := tool("", "ip", "link", "del", n.leg())
	if err != nil && strings.Contains(err.Error(), "Cannot find device") {
		return nil
	}
	return err
}

// close removes the leg at once, instead of when the kernel comes round to the hub's end, and frees the number.
func (n *network) close() error {
	err := n.dropLeg()
	if n.hub.File != nil {
		err = errors.Join(err, n.hub.Close())
	}
	return errors.Join(err, n.lock.Close())
}
