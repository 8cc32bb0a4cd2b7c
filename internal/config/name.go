package config

import (
	"net"
	"net/netip"
	"regexp"
	"strings"
)

var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// nodeNameAllowed says what nodeName allows.
const nodeNameAllowed = "1 to 63 letters, digits, . _ and -, beginning with a letter or digit"

// NodeNameProblem says what a name of a node in the config file must be, if this one is not; else "". Names that
// mean something else already are refused: localhost, any, and the addresses of this machine. (Not its hostname:
// people share one config file between their machines.)
func NodeNameProblem(name string) (allowed string) {
	switch lower := strings.ToLower(name); {
	case !nodeName.MatchString(name):
		return nodeNameAllowed
	case lower == "localhost":
		return "any name but localhost, which is this machine"
	case lower == "any":
		return "any name but any, which is all of them"
	case own(name):
		return "any name but an address of this machine, which is localhost"
	}
	return ""
}

// own reports whether name is an address of this machine.
func own(name string) bool {
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	if addr.IsLoopback() || addr.IsUnspecified() {
		return true
	}
	mine, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range mine {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == addr {
			return true
		}
	}
	return false
}
