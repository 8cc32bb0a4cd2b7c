package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// keys are made for one bed and die with it.
type keys struct{ dir string }

// path of a key: "user", "ca", or the name of a host with "host-" before it.
func (k keys) path(name string) string { return filepath.Join(k.dir, name+"_ed25519") }

// make makes a key pair.
func (k keys) make(name string) error {
	_, err := tool("", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name+" of a test bed", "-f", k.path(name))
	return err
}

// private and public read the two halves.
func (k keys) private(name string) (string, error) { return read(k.path(name)) }
func (k keys) public(name string) (string, error)  { return read(k.path(name) + ".pub") }

// certify makes the bed's authority say that the key of a host belongs to addr, and returns the certificate.
func (k keys) certify(name string, principals ...string) (string, error) {
	_, err := tool("", "ssh-keygen", "-q", "-s", k.path("ca"), "-I", name, "-h", "-n", strings.Join(principals, ","), k.path(name)+".pub")
	if err != nil {
		return "", err
	}
	return read(k.path(name) + "-cert.pub")
}

// CertifiedKey makes another key pair that opens an account only by its certificate of the bed's authority, and
// returns the private half; the certificate lies beside it, where ssh looks for it (KEY-cert.pub).
func (b *Bed) CertifiedKey(user string) (file string, err error) {
	name := "certified-" + user
	if err := b.keys.make(name); err != nil {
		return "", err
	}
	_, err = tool("", "ssh-keygen", "-q", "-s", b.keys.path("ca"), "-I", user, "-n", user, b.keys.path(name)+".pub")
	return b.keys.path(name), err
}

// EncryptedKey returns the bed's key under a passphrase.
func (b *Bed) EncryptedKey(passphrase string) (file string, err error) {
	key, err := b.keys.private("user")
	if err != nil {
		return "", err
	}
	file = b.keys.path("encrypted")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		return "", err
	}
	_, err = tool("", "ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", file)
	return file, err
}

// Fingerprint is that of the host's key, as ssh shows it: SHA256:...
func (h *Host) Fingerprint() (string, error) {
	out, err := tool("", "ssh-keygen", "-l", "-f", h.bed.keys.path("host-"+h.Name)+".pub")
	if f := strings.Fields(out); err == nil && len(f) > 1 {
		return f[1], nil
	}
	return "", errors.Join(err, fmt.Errorf("no fingerprint in %q", out))
}

func read(path string) (string, error) {
	b, err := os.ReadFile(path)
	return string(b), err
}

// knownHost is a line of known_hosts. A port of 22 is not written.
func knownHost(addr string, port int, key string) string {
	if port != 22 {
		addr = fmt.Sprintf("[%s]:%d", addr, port)
	}
	return addr + " " + strings.TrimSpace(key) + "\n"
}
