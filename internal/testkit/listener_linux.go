package testkit

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Listeners lists the listening sockets held by the given processes: TCP and unix sockets that accept, UDP sockets
// bound without a peer. A socket held by several of them is listed for each. A process that is gone has none.
func Listeners(pids ...int) ([]Listener, error) {
	var all []Listener
	for _, pid := range pids {
		held := sockets(pid)
		if len(held) == 0 {
			continue
		}
		// Read after the descriptors, and through the process: it may live in a network namespace of its own.
		open, err := listening(pid)
		if err != nil {
			if _, _, alive := status(pid); !alive {
				continue
			}
			return nil, err
		}
		for _, l := range open {
			if held[l.inode] {
				all = append(all, Listener{PID: pid, Network: l.network, Address: l.address})
			}
		}
	}
	return all, nil
}

// sockets returns the inodes of the sockets among the descriptors of pid.
func sockets(pid int) map[string]bool {
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	inodes := map[string]bool{}
	for _, fd := range fds {
		to, _ := os.Readlink(dir + fd.Name())
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes
}

type listen struct{ network, address, inode string }

// listening reads /proc/<pid>/net (proc_pid_net(5)): every listening socket of the namespace.
func listening(pid int) ([]listen, error) {
	var all []listen
	for _, network := range []string{"tcp", "tcp6", "udp", "udp6", "unix"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, network))
		if os.IsNotExist(err) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(b)) {
			if l, ok := parse(network, line); ok {
				all = append(all, l)
			}
		}
	}
	return all, nil
}

// parse reads one line of such a table and reports whether the socket listens.
func parse(network, line string) (listen, bool) {
	f := strings.Fields(line)
	if network == "unix" {
		const accepts = 1 << 16 // __SO_ACCEPTCON
		if len(f) < 7 {
			return listen{}, false
		}
		flags, err := strconv.ParseUint(f[3], 16, 64)
		path := strings.Join(f[7:], " ")
		return listen{network, path, f[6]}, err == nil && flags&accepts != 0
	}
	if len(f) < 10 {
		return listen{}, false
	}
	const tcpListen, udpUnconnected = "0A", "07"
	if state := f[3]; state != tcpListen && !(strings.HasPrefix(network, "udp") && state == udpUnconnected) {
		return listen{}, false
	}
	address, err := endpoint(f[1])
	return listen{network, address, f[9]}, err == nil
}

// endpoint reads "0100007F:1F90": an address in 32-bit words of the host's byte order (we run on little-endian
// machines only), and a port.
func endpoint(s string) (string, error) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	if err != nil || len(b)%4 != 0 {
		return "", fmt.Errorf("not an endpoint: %q", s)
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	ip, ok := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil || !ok {
		return "", fmt.Errorf("not an endpoint: %q", s)
	}
	return netip.AddrPortFrom(ip, uint16(n)).String(), nil
}
