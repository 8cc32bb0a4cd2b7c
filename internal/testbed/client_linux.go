package testbed

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// writeClient writes known_hosts and the SSH config.
func (b *Bed) writeClient() error {
	var known, config strings.Builder
	for _, h := range b.Hosts {
		name := "host-" + h.Name
		mark := ""
		if h.Spec.HostCert {
			mark, name = "@cert-authority ", "ca"
		}
		key, err := b.keys.public(name)
		if err != nil {
			return err
		}
		known.WriteString(mark + knownHost(h.Addr, h.Port, key))
		fmt.Fprintf(&config, "Host %s\n\tHostName %s\n\tPort %d\n\tUser %s\n", h.Name, h.Addr, h.Port, h.User)
		if h.Spec.Jump != "" {
			fmt.Fprintf(&config, "\tProxyJump %s\n", h.Spec.Jump)
		}
	}
	fmt.Fprintf(&config, "Host *\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s\n\tGlobalKnownHostsFile /dev/null\n\tStrictHostKeyChecking yes\n",
		b.KeyFile, b.KnownHosts)
	return errors.Join(os.WriteFile(b.KnownHosts, []byte(known.String()), 0o600), os.WriteFile(b.SSHConfig, []byte(config.String()), 0o600))
}
