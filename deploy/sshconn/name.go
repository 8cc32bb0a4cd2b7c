package sshconn

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"rbee/internal/fault"
)

// name is what a user can write for a machine: alias, user@host, user@host:port, [v6]:port, ssh://user@host:port.
type name struct {
	user, host, port string
}

const maxName = 512 // bytes; DNS allows 253

// parseName takes a name apart. It refuses whatever could mean something to a shell or be taken for an option: a
// name is part of messages that are meant to be pasted, and may be a token of a ProxyCommand.
func parseName(s string) (name, error) {
	bad := func(why string) (name, error) {
		return name{}, fault.New(fault.NodeUnknown, "%.100q is not a node's name: %s", s, why).
			WithHint("a node is a Host of ~/.ssh/config, user@host, user@host:port, or a name in rbee's configuration")
	}
	if len(s) > maxName {
		return bad("it is too long")
	}
	var n name
	rest := s
	if r, uri := cutPrefixFold(rest, "ssh://"); uri {
		rest = strings.TrimSuffix(r, "/")
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		if n.user, rest = rest[:i], rest[i+1:]; n.user == "" {
			return bad("no user before the @")
		}
	}
	switch colons := strings.Count(rest, ":"); {
	case strings.HasPrefix(rest, "["):
		host, port, ok := strings.Cut(rest[1:], "]")
		if !ok || port != "" && port[0] != ':' || port == ":" {
			return bad("[address]:port is expected")
		}
		if _, err := netip.ParseAddr(host); err != nil {
			return bad("no address in the brackets")
		}
		n.host, n.port = host, strings.TrimPrefix(port, ":")
	case colons == 1:
		if n.host, n.port, _ = strings.Cut(rest, ":"); n.port == "" {
			return bad("no port after the colon")
		}
	case colons > 1:
		if _, err := netip.ParseAddr(rest); err != nil {
			return bad("too many colons")
		}
		n.host = rest
	default:
		n.host = rest
	}
	if n.port != "" {
		if p, err := parsePort(n.port); err != nil {
			return bad(err.Error())
		} else {
			n.port = strconv.Itoa(p)
		}
	}
	if !safeHost(n.host) {
		return bad("a host is made of letters, digits and . - _ : %")
	}
	if n.user != "" && !safeUser(n.user) {
		return bad("a user is made of letters, digits and . - _ + @ \\")
	}
	return n, nil
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}

type portError string

func (e portError) Error() string { return string(e) + " is not a port from 1 to 65535" }

func parsePort(s string) (int, error) {
	p, err := strconv.Atoi(s)
	if err != nil || p < 1 || p > 65535 || s[0] == '+' {
		return 0, portError(strconv.Quote(s))
	}
	return p, nil
}

// safeHost: nothing that a shell, an option parser or a terminal would take for more than a name.
func safeHost(s string) bool {
	return s != "" && s[0] != '-' && strings.IndexFunc(s, func(r rune) bool {
		return !(letter(r) || strings.ContainsRune(".-_:%", r))
	}) < 0
}

// safeUser: a backslash is for DOMAIN\user; no shell sees it (see tokens).
func safeUser(s string) bool {
	return s != "" && s[0] != '-' && !strings.HasSuffix(s, `\`) && strings.IndexFunc(s, func(r rune) bool {
		return !(letter(r) || strings.ContainsRune(`.-_+@\`, r))
	}) < 0
}

func letter(r rune) bool {
	return r != unicode.ReplacementChar && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
