package testbed

import (
	"os/exec"
	"strings"
	"testing"
)

// login reports whether ssh gets in with only that key.
func login(b *Bed, key string) bool {
	return exec.Command("ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", key,
		"-o", "UserKnownHostsFile="+b.KnownHosts, b.Hosts[0].User+"@"+b.Hosts[0].Addr, "true").Run() == nil
}

func TestACertificateOpensAnAccountAndItsKeyAloneDoesNot(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	if right := must(b.CertifiedKey("bee"))(t); !login(b, right) {
		t.Errorf("the certificate is not taken: %s", b.Hosts[0].Log())
	}
	if wrong := must(b.CertifiedKey("wasp"))(t); login(b, wrong) {
		t.Error("the certificate of another user is taken")
	}
}

func TestAnEncryptedKeyNeedsItsPassphrase(t *testing.T) {
	t.Parallel()
	b := hosts(t)
	key := must(b.EncryptedKey("correct horse"))(t)
	if login(b, key) {
		t.Error("no passphrase is needed")
	}
	if _, err := tool("", "ssh-keygen", "-y", "-P", "correct horse", "-f", key); err != nil {
		t.Error(err)
	}
}

func TestAFingerprintIsTheOneOfTheHost(t *testing.T) {
	t.Parallel()
	h := hosts(t).Host("h1")
	scan := must(tool("", "ssh-keyscan", "-t", "ed25519", h.Addr))(t)
	shown := must(tool(scan, "ssh-keygen", "-l", "-f", "-"))(t)
	if want := must(h.Fingerprint())(t); !strings.HasPrefix(want, "SHA256:") || !strings.Contains(shown, want) {
		t.Errorf("%s, ssh-keyscan shows %s", want, shown)
	}
}

func TestAHostWithACertificateIsKnownByItsAuthority(t *testing.T) {
	t.Parallel()
	b := hosts(t, Spec{HostCert: true, Port: 2222})
	known := must(read(b.KnownHosts))(t)
	if !strings.HasPrefix(known, "@cert-authority ["+b.Hosts[0].Addr+"]:2222 ") || strings.Count(known, "\n") != 1 {
		t.Errorf("%s", known)
	}
	ssh(t, b, "h1", "true")
}
