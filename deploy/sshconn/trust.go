package sshconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"rbee/internal/fault"
)

// seen ends a handshake whose only purpose was to see the host key.
type seen struct{ key ssh.PublicKey }

func (*seen) Error() string { return "the host key was seen" }

// ScanHostKey asks a machine for its host key, without trusting it and without authenticating there. Jump hosts on
// the way are verified and authenticated as ever. The fingerprint is ssh.FingerprintSHA256(key).
func ScanHostKey(ctx context.Context, t Target, o Options) (ssh.PublicKey, error) {
	d := &dialer{Options: o, keys: &opened{ask: o.Passphrase, m: map[string]openedKey{}}, scan: true}
	c, err := d.dial(ctx, t)
	if err == nil { // cannot be: the handshake ends with seen
		c.Close()
		return nil, fault.New(fault.Internal, "%s showed no host key", t.Name)
	}
	var s *seen
	if errors.As(err, &s) {
		return s.key, nil
	}
	return nil, err
}

// anywhere stands for the address when only the name counts.
var anywhere net.Addr = &net.TCPAddr{IP: net.IPv4zero}

// Trust writes a host key into the first of the user's known_hosts files. It does nothing if the key is known, and
// refuses, with SSH_HOST_KEY_CHANGED, if another key is known for that machine, or this one is revoked.
func Trust(t Target, key ssh.PublicKey) error {
	h, err := loadHostKeys(t)
	if err != nil {
		return err
	}
	err = h.check("", anywhere, key)
	if err == nil || fault.CodeOf(err) != fault.SSHHostKeyUnknown {
		return err
	}
	if t.UserKnownHosts == 0 {
		return fault.New(fault.InvalidRequest, "the host key of %s can be written nowhere: UserKnownHostsFile is none", t.Name)
	}
	name := xknownhosts.Normalize(t.lookup())
	if t.HashKnownHosts {
		name = xknownhosts.HashHostname(name)
	}
	if err := appendLine(t.KnownHosts[0], xknownhosts.Line([]string{name}, plain(key))+"\n"); err != nil {
		return fault.Wrap(fault.InvalidRequest, err, "cannot remember the host key of %s: %v", t.Name, err)
	}
	return nil
}

// appendLine adds a line in one write, so that neither a crash nor another program that appends leaves half of one.
func appendLine(path, line string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if size := info.Size(); size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = "\n" + line
		}
	}
	if n, err := f.WriteString(line); err != nil {
		if n > 0 {
			_ = f.Truncate(info.Size())
		}
		return err
	}
	return f.Sync()
}

// Verify says whether a key is known for a target: nil, or a fault that is SSH_HOST_KEY_UNKNOWN or
// SSH_HOST_KEY_CHANGED.
func Verify(t Target, key ssh.PublicKey) error {
	h, err := loadHostKeys(t)
	if err != nil {
		return err
	}
	return h.check("", anywhere, key)
}
