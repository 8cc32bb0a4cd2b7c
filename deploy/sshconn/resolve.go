package sshconn

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rbee/deploy/sshconfig"
	"rbee/internal/fault"
)

// ResolveOptions is where names are looked up, and what rbee's own configuration says about this one.
type ResolveOptions struct {
	ConfigFile string // "" = ~/.ssh/config and /etc/ssh/ssh_config, which may both be missing
	Home       string // "" = this user's
	LocalUser  string // "" = this user

	// An entry of rbee's configuration; each field that is set wins over the files.
	Host     string // what ssh would be given: an alias, an address, user@host:port
	Port     int
	User     string
	Identity []string
	Jump     string // as ProxyJump; "none" = straight
}

// maxHops bounds a chain of jump hosts; more is a loop that hides.
const maxHops = 8

// ResolveSSH says how to connect to a name, as `ssh NAME` would, without asking any network. known says that
// somebody wrote the name down: a Host line other than "*" matches, or o does. The error is a *fault.Error.
func ResolveSSH(nodeName string, o ResolveOptions) (t Target, known bool, err error) {
	if o.Home == "" {
		if o.Home, err = os.UserHomeDir(); err != nil {
			return t, false, fault.Wrap(fault.InvalidRequest, err, "cannot find ~/.ssh: %v", err).WithHint("set HOME")
		}
	}
	if o.LocalUser == "" {
		if u, err := user.Current(); err == nil {
			o.LocalUser = u.Username
		} else {
			o.LocalUser = os.Getenv("USER")
		}
	}
	r := resolver{o}
	t, err = r.resolve(cmp.Or(o.Host, nodeName), hop{user: o.User, port: o.Port, identity: o.Identity, jump: o.Jump}, nil)
	if err != nil {
		f := fault.From(err)
		if f.Code == fault.Internal {
			f = fault.Wrap(fault.InvalidRequest, err, "the SSH configuration for %.100q cannot be used: %v", nodeName, err).
				WithHint("try `ssh -G %s`; a node can also be a command: command = [\"ssh\", \"%s\"] in rbee's configuration", nodeName, nodeName)
		}
		return Target{}, false, f.With("node", nodeName)
	}
	t.Name = nodeName
	t.Known = t.Known || o.Host != "" || o.Port != 0 || o.User != "" || len(o.Identity) > 0 || o.Jump != ""
	return t, t.Known, nil
}

// hop is what is known of a machine beside its name: what would be options on ssh's command line.
type hop struct {
	user     string
	port     int
	identity []string
	jump     string
}

type resolver struct{ o ResolveOptions }

// resolve answers for one machine. path holds the machines that need it as their jump host, so a loop is seen.
func (r resolver) resolve(given string, h hop, path []string) (t Target, err error) {
	n, err := parseName(given)
	if err != nil {
		return t, err
	}
	if h.port != 0 {
		n.port = strconv.Itoa(h.port)
	}
	q := sshconfig.Query{
		Name: n.host, User: cmp.Or(h.user, n.user), Port: n.port, LocalUser: r.o.LocalUser, Home: r.o.Home,
		Files: configFiles(r.o.Home),
		Exec:  runMatchExec,
	}
	if r.o.ConfigFile != "" {
		q.Files = []sshconfig.File{{Path: r.o.ConfigFile, User: true, Required: true}}
	}
	q.Expand = func(c *sshconfig.Config, s string) (string, error) {
		return r.tokens(c, n.host).command(s, "")
	}
	c, err := sshconfig.Load(q)
	if err != nil {
		return t, err
	}
	tok := r.tokens(c, n.host)
	t = Target{Name: given, Known: c.Known, Host: tok.host, User: tok.user}
	if t.Port, err = parsePort(tok.port); err != nil {
		return t, fmt.Errorf("its Port: %w", err)
	}
	if !safeHost(t.Host) {
		return t, fmt.Errorf("its HostName %.100q is not a host", t.Host)
	}
	if strings.ContainsFunc(t.User, func(r rune) bool { return r < ' ' || r == 0x7f }) || t.User == "" {
		return t, fmt.Errorf("its User %.100q is not a user", t.User)
	}
	if err := r.fill(&t, c, tok, h); err != nil {
		return t, err
	}
	return t, r.way(&t, c, tok, h, path)
}

func (r resolver) tokens(c *sshconfig.Config, original string) tokens {
	local, _ := os.Hostname()
	return tokens{
		home: r.o.Home, localUser: r.o.LocalUser, localHost: local, original: original,
		host: c.HostName(original), port: cmp.Or(c.Get("port"), "22"), user: cmp.Or(c.Get("user"), r.o.LocalUser),
		alias: c.Get("hostkeyalias"), jump: c.Get("proxyjump"),
	}
}

// way sets how the machine is reached: straight, by jump hosts, or by a command.
func (r resolver) way(t *Target, c *sshconfig.Config, tok tokens, h hop, path []string) error {
	jump := cmp.Or(h.jump, c.Get("proxyjump"))
	if command := c.Raw("proxycommand"); command != "" && h.jump == "" {
		var err error
		t.ProxyCommand, err = tok.command(command, "%hnpr")
		return err
	}
	if jump == "" || strings.EqualFold(jump, "none") {
		return nil
	}
	self := t.String()
	for _, p := range path {
		if p == self {
			return fmt.Errorf("its ProxyJump goes round in a circle: %s", strings.Join(append(path, self), " needs "))
		}
	}
	if path = append(path, self); len(path) > maxHops {
		return fmt.Errorf("more than %d jump hosts: %s", maxHops, strings.Join(path, " needs "))
	}
	// Of a list, the last hop is next to the machine, and those before it are its way.
	before, last, ok := cutLast(jump, ",")
	if !ok {
		before = ""
	}
	next, err := r.resolve(strings.TrimSpace(last), hop{jump: before}, path)
	if err != nil {
		return fmt.Errorf("jump host of %s: %w", t.Name, err)
	}
	t.Jumps = append(next.Jumps, next)
	t.Jumps[len(t.Jumps)-1].Jumps = nil
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// defaultIdentities are what ssh tries when no IdentityFile is set, in its order.
var defaultIdentities = []string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"}

// fill sets everything that is no address.
func (r resolver) fill(t *Target, c *sshconfig.Config, tok tokens, h hop) (err error) {
	for _, path := range h.identity {
		if path, err = tok.path(path); err != nil {
			return err
		}
		t.Identities = append(t.Identities, Identity{path, true})
	}
	none := false
	for _, v := range c.All("identityfile") {
		if none = strings.EqualFold(v.Args[0], "none"); none {
			continue
		}
		path, err := tok.path(v.Args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", v.Pos, err)
		}
		t.Identities = append(t.Identities, Identity{path, true})
	}
	if len(t.Identities) == 0 && !none {
		for _, id := range defaultIdentities {
			t.Identities = append(t.Identities, Identity{filepath.Join(r.o.Home, ".ssh", id), false})
		}
	}
	for _, v := range c.All("certificatefile") {
		path, err := tok.path(v.Args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", v.Pos, err)
		}
		t.Certificates = append(t.Certificates, path)
	}
	t.IdentitiesOnly = c.Bool("identitiesonly")
	switch agent := c.Get("identityagent"); {
	case agent == "" || agent == "SSH_AUTH_SOCK":
	case strings.EqualFold(agent, "none"):
		t.IdentityAgent = "none"
	case agent[0] == '$' && !strings.HasPrefix(agent, "${"):
		t.IdentityAgent = cmp.Or(os.Getenv(agent[1:]), "none")
	default:
		if t.IdentityAgent, err = tok.path(agent); err != nil {
			return err
		}
	}
	if err := r.knownHosts(t, c, tok); err != nil {
		return err
	}
	t.HostKeyAlgorithms, t.KexAlgorithms = c.Get("hostkeyalgorithms"), c.Get("kexalgorithms")
	t.Ciphers, t.MACs = c.Get("ciphers"), c.Get("macs")
	t.ConnectTimeout = MaxConnectTimeout
	if s := c.Int("connecttimeout", 0); s > 0 && s < int(MaxConnectTimeout/time.Second) {
		t.ConnectTimeout = time.Duration(s) * time.Second
	}
	t.Network = map[string]string{"inet": "tcp4", "inet6": "tcp6"}[strings.ToLower(c.Get("addressfamily"))]
	t.Network = cmp.Or(t.Network, "tcp")
	t.BindAddress = c.Get("bindaddress")
	return nil
}

func (r resolver) knownHosts(t *Target, c *sshconfig.Config, tok tokens) error {
	files := func(key string, def ...string) error {
		names := def
		if v := c.All(key); len(v) > 0 {
			names = v[0].Args
		}
		for _, f := range names {
			if strings.EqualFold(f, "none") {
				continue
			}
			f, err := tok.path(f)
			if err != nil {
				return err
			}
			t.KnownHosts = append(t.KnownHosts, f)
		}
		return nil
	}
	if err := files("userknownhostsfile", "~/.ssh/known_hosts", "~/.ssh/known_hosts2"); err != nil {
		return err
	}
	t.UserKnownHosts = len(t.KnownHosts)
	if err := files("globalknownhostsfile", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"); err != nil {
		return err
	}
	t.HashKnownHosts, t.HostKeyAlias = c.Bool("hashknownhosts"), c.Get("hostkeyalias")
	if f := c.Get("revokedhostkeys"); f != "" && !strings.EqualFold(f, "none") {
		var err error
		if t.RevokedHostKeys, err = tok.path(f); err != nil {
			return err
		}
	}
	return nil
}

// configFiles are the files that ssh reads.
func configFiles(home string) []sshconfig.File {
	return []sshconfig.File{{Path: filepath.Join(home, ".ssh", "config"), User: true}, {Path: "/etc/ssh/ssh_config"}}
}

// Hosts lists the names that the user's SSH configuration spells out.
func Hosts() ([]string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	return sshconfig.Hosts(home, configFiles(home))
}
