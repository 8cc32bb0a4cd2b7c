package sshconn

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

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
	t.inFiles = t.Known && (o.Host == "" || o.Host == nodeName)
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
