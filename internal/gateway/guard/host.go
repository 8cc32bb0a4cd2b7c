package guard

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"rbee/internal/fault"
)

// fromHere refuses what a web page could have a browser ask here. A page that makes its own name point to this
// machine (DNS rebinding) asks under that name, so only our own names are answered; a page that asks under our name
// has its own in Origin, so only allowed ones are; net/http's CrossOriginProtection knows the rest of that.
func (g *Guard) fromHere(w http.ResponseWriter, r *http.Request, door Door) bool {
	s := g.Settings()
	if !door.answers(r, s.AllowedHosts) {
		denyStatus(w, r, http.StatusMisdirectedRequest, fault.New(fault.InvalidRequest, "this queen is not called %q", short(r.Host)).
			WithHint("reach it as localhost or by the address it listens on, or add the name to allowed_hosts in the [queen] table of config.toml").
			With("host", short(r.Host)))
		return false
	}
	return g.origin(w, r, s.AllowedOrigins)
}

// answers reports whether door is called as the request calls it.
func (d Door) answers(r *http.Request, allowed []string) bool {
	host, ok := hostOf(r.Host)
	if !ok {
		return false
	}
	if own(host) || slices.ContainsFunc(slices.Concat(d.Names, allowed), func(n string) bool { return strings.EqualFold(strings.TrimSuffix(n, "."), host) }) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	tcp, _ := local.(*net.TCPAddr)
	return tcp != nil && tcp.AddrPort().Addr().Unmap() == addr.Unmap().WithZone("")
}

// own is what means this machine on every machine.
func own(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// hostOf is the host of a Host header, in lower case, without its port; false if it is none.
func hostOf(header string) (host string, ok bool) {
	host = header
	switch {
	case strings.HasPrefix(host, "["):
		end := strings.IndexByte(host, ']')
		if end < 0 || !port(host[end+1:]) {
			return "", false
		}
		host = host[1:end]
		if _, err := netip.ParseAddr(host); err != nil || !strings.Contains(host, ":") {
			return "", false
		}
	case strings.Count(host, ":") > 1:
		return "", false
	default:
		if i := strings.IndexByte(host, ':'); i >= 0 {
			if !port(host[i:]) {
				return "", false
			}
			host = host[:i]
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host, host != "" && len(host) <= 255
}

// port reports whether s is nothing, or : and digits.
func port(s string) bool {
	return s == "" || len(s) <= 6 && s[0] == ':' && strings.Trim(s[1:], "0123456789") == ""
}

func short(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}
