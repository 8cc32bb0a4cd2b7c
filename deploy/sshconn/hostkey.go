package sshconn

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"rbee/internal/fault"
)

// check is the ssh.HostKeyCallback. It returns nil or a *fault.Error.
func (h *hostKeys) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	cert, _ := key.(*ssh.Certificate)
	if where := h.isRevoked(key, cert); where != "" {
		return h.refuse(key, "is revoked", where)
	}
	if _, _, err := net.SplitHostPort(remote.String()); err != nil {
		remote = &net.TCPAddr{IP: net.IPv4zero} // a pipe: names only
	}
	names := []string{h.t.lookup()}
	if h.t.HostKeyAlias == "" && h.t.Port != 22 { // as OpenSSH: an entry without a port will do, if its key fits
		host := h.t
		host.Port = 22
		names = append(names, host.lookup())
	}
	callback := h.db.HostKeyCallback()
	var first error
	var revoked *xknownhosts.RevokedError
	for _, name := range names {
		err := callback(name, remote, key)
		if err == nil {
			return nil
		}
		if cert != nil { // no authority of ours vouches for it: the key in it may be known by itself
			plain := callback(name, remote, cert.Key)
			if plain == nil {
				return nil
			}
			if errors.As(plain, &revoked) || h.other(plain) != nil {
				err = plain
			}
		}
		if first == nil {
			first = err
		}
	}
	if errors.As(first, &revoked) {
		return h.refuse(key, "is revoked", place(revoked.Revoked.Filename, revoked.Revoked.Line))
	}
	if want := h.other(first); want != nil {
		return h.refuse(key, "is not the known one", place(want.Filename, want.Line)).With("known_fingerprint", fingerprint(want.Key))
	}
	return h.unknown(key, cert, first)
}

// other is the key that is known in place of the one that was shown, nil if there is none. The key of an authority
// is no host's.
func (h *hostKeys) other(err error) *xknownhosts.KnownKey {
	var mismatch *xknownhosts.KeyError
	if errors.As(err, &mismatch) {
		for i, want := range mismatch.Want {
			if !h.ca[place(want.Filename, want.Line)] {
				return &mismatch.Want[i]
			}
		}
	}
	return nil
}

func (h *hostKeys) isRevoked(key ssh.PublicKey, cert *ssh.Certificate) string {
	if cert != nil {
		if where := h.revoked[string(cert.SignatureKey.Marshal())]; where != "" {
			return where
		}
		key = cert.Key
	}
	return h.revoked[string(key.Marshal())]
}

func (h *hostKeys) refuse(key ssh.PublicKey, what, where string) *fault.Error {
	f := fault.New(fault.SSHHostKeyChanged, "the host key of %s (%s) %s: it showed %s %s, against %s",
		h.t.Name, h.t.Addr(), what, plainType(key), fingerprint(key), where)
	if what == "is revoked" {
		return f.WithHint("do not connect: %s says that this key is in wrong hands", where).With("known", where)
	}
	return f.WithHint("somebody may stand between; if the machine was installed anew, remove %s (ssh-keygen -R %s) and run rbee node trust %s",
		where, shellWord(xknownhosts.Normalize(h.t.lookup())), shellWord(h.t.Name)).
		With("known", where).With("fingerprint", fingerprint(key)).With("key_type", plainType(key))
}

func (h *hostKeys) unknown(key ssh.PublicKey, cert *ssh.Certificate, cause error) *fault.Error {
	why := ""
	if cert != nil && cause != nil {
		why = fmt.Sprintf(" (its certificate: %.200s)", clean(cause.Error()))
	}
	return fault.Wrap(fault.SSHHostKeyUnknown, cause, "the host key of %s (%s) is not known: %s %s%s",
		h.t.Name, h.t.Addr(), plainType(key), fingerprint(key), why).
		WithHint("compare the fingerprint, then run: rbee node trust %s", shellWord(h.t.Name)).
		With("fingerprint", fingerprint(key)).With("key_type", plainType(key))
}

// plain is the key itself: of a certificate, the certified one.
func plain(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}

func plainType(key ssh.PublicKey) string   { return plain(key).Type() }
func fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(plain(key)) }

// shellWord quotes what is not a plain word to every shell; [ would be a pattern.
func shellWord(s string) string {
	if safeHost(strings.ReplaceAll(s, "@", "")) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
