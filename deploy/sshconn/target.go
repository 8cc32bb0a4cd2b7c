package sshconn

import (
	"cmp"
	"net"
	"strconv"
	"strings"
	"time"
)

// Target is all that is needed to connect to one machine.
type Target struct {
	Name    string // as the user gave it
	Known   bool   // somebody wrote the name down: a Host line that is not "*", or rbee's own configuration
	inFiles bool   // a Host line of ssh's own files, other than "*", is for Name itself
	Host    string // where to connect: a name or an address
	Port    int
	User    string

	Identities     []Identity
	Certificates   []string // files
	IdentitiesOnly bool     // of the agent's keys, only those that Identities name
	IdentityAgent  string   // its socket; "" = $SSH_AUTH_SOCK, "none" = no agent

	// Jumps are the machines on the way, the first is reached from here. Each is complete but for Jumps of its own.
	Jumps []Target
	// ProxyCommand carries the connection instead of TCP; tokens are replaced. Only where no jump comes before.
	ProxyCommand string

	KnownHosts        []string // the user's files, then the system's; the first is where Trust writes
	UserKnownHosts    int      // how many of KnownHosts are the user's
	HashKnownHosts    bool
	RevokedHostKeys   string // file of keys that are never accepted
	HostKeyAlias      string // under which name the key is looked up, in place of Host and Port
	HostKeyAlgorithms string // as in ssh_config: a list, or a change to the default with + - ^
	KexAlgorithms     string // the same
	Ciphers           string
	MACs              string

	ConnectTimeout time.Duration // of one attempt, for this machine alone: each jump host has its own
	Network        string        // tcp, tcp4 or tcp6
	BindAddress    string
}

// Identity is a file with a private key, or with the public part of one that the agent holds.
type Identity struct {
	Path     string
	Explicit bool // the user named it; otherwise it is one that ssh tries by default, and may be missing
}

// MaxConnectTimeout is the default of ConnectTimeout, and its limit.
const MaxConnectTimeout = 10 * time.Second

// Addr is host:port, with brackets around an IPv6 address.
func (t Target) Addr() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// String is for people: user@host:port.
func (t Target) String() string { return t.User + "@" + t.Addr() }

// complete fills in what a target made by hand may lack, and holds the limit.
func (t *Target) complete() {
	if t.ConnectTimeout <= 0 || t.ConnectTimeout > MaxConnectTimeout {
		t.ConnectTimeout = MaxConnectTimeout
	}
	t.Port, t.Network = cmp.Or(t.Port, 22), cmp.Or(t.Network, "tcp")
}

// lookup is host:port as the key is looked up by. OpenSSH writes names in lower case, and an alias stands for the
// host and its port.
func (t Target) lookup() string {
	if t.HostKeyAlias != "" {
		return net.JoinHostPort(strings.ToLower(t.HostKeyAlias), "22")
	}
	return net.JoinHostPort(strings.ToLower(t.Host), strconv.Itoa(t.Port))
}

// sshArgs is what to write behind ssh, or ssh-copy-id, to get to the target. A name that ssh's own files do not hold
// is spelled out.
func (t Target) sshArgs() string {
	if t.inFiles {
		return shellWord(t.Name)
	}
	args := t.Host
	if t.User != "" {
		args = t.User + "@" + t.Host
	}
	args = shellWord(args)
	if t.Port != 22 {
		args = "-p " + strconv.Itoa(t.Port) + " " + args
	}
	return args
}
