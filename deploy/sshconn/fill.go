package sshconn

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rbee/deploy/sshconfig"
)

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
