package testbed

import (
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
