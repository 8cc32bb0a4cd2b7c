package deploy

import (
	"context"

	"golang.org/x/crypto/ssh"

	"rbee/deploy/sshconn"
	"rbee/internal/fault"
)

// HostKey is the key that a node shows.
type HostKey struct {
	Address     string // host:port that showed it
	Kind        string // "ssh-ed25519"
	Fingerprint string // "SHA256:..."
	Trusted     bool   // it is in a known_hosts file already
	target      sshconn.Target
	key         ssh.PublicKey
}

// HostKey asks a node for its key, without trusting it. A key that differs from a known one is an
// SSH_HOST_KEY_CHANGED.
func (n *Nodes) HostKey(ctx context.Context, name string) (HostKey, error) {
	way, err := n.Way(name)
	if err != nil {
		return HostKey{}, err
	}
	if way.Target == nil {
		return HostKey{}, fault.New(fault.InvalidRequest, "node %s is reached by a command, which sees to host keys itself", name).
			WithHint("if the command is ssh, connect with it once by hand")
	}
	key, err := sshconn.ScanHostKey(ctx, *way.Target, n.SSH)
	if err != nil {
		file, _ := n.file()
		return HostKey{}, n.knowing(file, err)
	}
	k := HostKey{Address: way.Target.Addr(), Kind: key.Type(), Fingerprint: ssh.FingerprintSHA256(key), target: *way.Target, key: key}
	switch err := sshconn.Verify(*way.Target, key); fault.CodeOf(err) {
	case "":
		k.Trusted = err == nil
	case fault.SSHHostKeyUnknown:
	default:
		return k, err
	}
	return k, nil
}

// Trust writes the key down for this and every later connection.
func (k HostKey) Trust() error { return sshconn.Trust(k.target, k.key) }
