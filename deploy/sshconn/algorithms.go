package sshconn

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"rbee/deploy/sshconfig"
)

// hostKeyOrder is OpenSSH's preference; what else the library knows follows.
var hostKeyOrder = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// algorithms are the kinds of host key to ask for. Those that we know a key of come first: a server shows one key
// only, and one of another kind would look like a stranger. Certificates are asked for only if there is an authority
// that could vouch for one.
func (h *hostKeys) algorithms() ([]string, error) {
	supported := ssh.SupportedAlgorithms().HostKeys
	base := slices.Concat(hostKeyOrder, supported)
	list, err := adjust(h.t.HostKeyAlgorithms, dedup(base), append(supported, ssh.InsecureAlgorithms().HostKeys...))
	if err != nil {
		return nil, fmt.Errorf("HostKeyAlgorithms: %w", err)
	}
	known, authority := map[string]bool{}, false
	target := h.t
	for range 2 {
		for _, k := range h.db.HostKeys(target.lookup()) {
			authority = authority || k.Cert
			if k.Type() == ssh.KeyAlgoRSA {
				known[ssh.KeyAlgoRSASHA512], known[ssh.KeyAlgoRSASHA256] = !k.Cert, !k.Cert
			}
			known[k.Type()] = !k.Cert
		}
		target.Port = 22
	}
	var certs, first, rest []string
	for _, a := range list {
		switch {
		case strings.Contains(a, "-cert-"):
			if authority {
				certs = append(certs, a)
			}
		case known[a]:
			first = append(first, a)
		default:
			rest = append(rest, a)
		}
	}
	if list = slices.Concat(certs, first, rest); len(list) == 0 {
		return nil, fmt.Errorf("HostKeyAlgorithms %.200s leaves none", h.t.HostKeyAlgorithms)
	}
	return list, nil
}

// adjust applies a list of ssh_config to a default: a list replaces it, +list adds behind, ^list puts in front,
// -list takes out. Entries may be patterns when taking out. Of what is named, only what the library can do is taken.
func adjust(spec string, base, possible []string) ([]string, error) {
	if spec == "" {
		return base, nil
	}
	op := spec[0]
	if strings.IndexByte("+-^", op) >= 0 {
		spec = spec[1:]
	}
	var named []string
	for p := range strings.SplitSeq(spec, ",") {
		for _, a := range possible {
			if sshconfig.MatchPattern(p, a) {
				named = append(named, a)
			}
		}
	}
	named = dedup(named)
	var list []string
	switch op {
	case '+':
		list = dedup(slices.Concat(base, named))
	case '^':
		list = dedup(slices.Concat(named, base))
	case '-':
		list = slices.DeleteFunc(slices.Clone(base), func(a string) bool { return slices.Contains(named, a) })
	default:
		list = named
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("of %.200s none is supported; supported: %s", spec, strings.Join(possible, ","))
	}
	return list, nil
}

func dedup(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// crypto applies the target's choices of ciphers and the like.
func (t Target) crypto(c *ssh.Config) (err error) {
	weak, good := ssh.InsecureAlgorithms(), ssh.SupportedAlgorithms()
	for _, x := range []struct {
		name, spec string
		base, weak []string
		set        *[]string
	}{
		{"KexAlgorithms", t.KexAlgorithms, good.KeyExchanges, weak.KeyExchanges, &c.KeyExchanges},
		{"Ciphers", t.Ciphers, good.Ciphers, weak.Ciphers, &c.Ciphers},
		{"MACs", t.MACs, good.MACs, weak.MACs, &c.MACs},
	} {
		if x.spec == "" {
			continue
		}
		if *x.set, err = adjust(x.spec, x.base, slices.Concat(x.base, x.weak)); err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
	}
	return nil
}
