package testbed

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// sshdConfig writes what an OpenSSH server of the bed is configured with. The first value of a keyword wins, so the
// spec's lines come first. dir is where it finds its keys.
func sshdConfig(s Spec, addr string, dir string, more ...string) string {
	lines := slices.Clone(s.SSHD)
	if s.Banner != "" {
		lines = append(lines, "Banner "+path.Join(dir, "banner"))
	}
	lines = append(lines,
		"ListenAddress "+addr, fmt.Sprintf("Port %d", s.Port), "PidFile none", "LogLevel VERBOSE",
		"HostKey "+path.Join(dir, "host_key"),
		"PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no", "UseDNS no", "PrintMotd no", "PrintLastLog no",
		"AuthorizedKeysFile "+path.Join(dir, "authorized_keys"),
		"TrustedUserCAKeys "+path.Join(dir, "ca.pub"),
		// A test makes many connections at once from one address.
		"MaxStartups 100",
		"Subsystem sftp internal-sftp",
	)
	if s.HostCert {
		lines = append(lines, "HostCertificate "+path.Join(dir, "host_key-cert.pub"))
	}
	return strings.Join(append(lines, more...), "\n") + "\n"
}

// sshFiles are the files that sshdConfig names, by name, made for a host with that address.
func (b *Bed) sshFiles(s Spec, addr, dir string, more ...string) (map[string]string, error) {
	name := "host-" + s.Name
	if err := b.keys.make(name); err != nil {
		return nil, err
	}
	files := map[string]string{"sshd_config": sshdConfig(s, addr, dir, more...), "banner": s.Banner}
	for file, half := range map[string]func(string) (string, error){"host_key": b.keys.private, "host_key.pub": b.keys.public} {
		text, err := half(name)
		if err != nil {
			return nil, err
		}
		files[file] = text
	}
	var err error
	if files["ca.pub"], err = b.keys.public("ca"); err != nil {
		return nil, err
	}
	if files["authorized_keys"], err = b.keys.public("user"); err != nil {
		return nil, err
	}
	if s.HostCert {
		files["host_key-cert.pub"], err = b.keys.certify(name, addr, s.Name)
	}
	return files, err
}

// etcFiles are the host's own files of /etc: its accounts, its name, and its part of the bed.
func etcFiles(s Spec, bed map[string]string) map[string]string {
	passwd := []string{"root:x:0:0:root:/ro" + "ot:/bin/bash", "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin", "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"}
	group := []string{"root:x:0:", "tty:x:5:", "nogroup:x:65534:"}
	shadow := []string{"root:*:19000:0:99999:7:::", "sshd:*:19000:0:99999:7:::", "nobody:*:19000:0:99999:7:::"}
	for _, u := range s.Users {
		passwd = append(passwd, fmt.Sprintf("%s:x:%d:%d:%s:%s:%s", u.Name, u.UID, u.UID, u.Name, u.home(), u.Shell))
		group = append(group, fmt.Sprintf("%s:x:%d:", u.Name, u.UID))
		shadow = append(shadow, u.Name+":*:19000:0:99999:7:::")
	}
	files := map[string]string{
		"passwd": lines(passwd), "group": lines(group), "shadow": lines(shadow), "hostname": s.Name + "\n", "hosts": bed["hosts"],
	}
	for name, text := range bed {
		if name != "hosts" {
			files["ssh/"+name] = text
		}
	}
	return files
}

func lines(l []string) string { return strings.Join(l, "\n") + "\n" }
