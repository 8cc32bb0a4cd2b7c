package nodetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rbee/internal/testbed"
)

// known is a line of ssh_config that has a world keep its own known_hosts.
func (w *world) known() string { return filepath.Join(w.dir, ".ssh/known_hosts") }

// keyLine returns the bed's known_hosts line of a host.
func keyLine(t *testing.T, b *testbed.Bed, h *testbed.Host) string {
	t.Helper()
	text, err := os.ReadFile(b.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, knownAs(h)+" ") {
			return line
		}
	}
	t.Fatalf("no key of %s in %s", h.Addr, text)
	return ""
}

// knownAs is a host's name in known_hosts.
func knownAs(h *testbed.Host) string {
	if h.Port == 22 {
		return h.Addr
	}
	return fmt.Sprintf("[%s]:%d", h.Addr, h.Port)
}

func TestTreeAnUnknownHostKeyIsRefusedUntilItIsTrusted(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{})
	h := b.Host("h1")
	visited(t, h, programs.Fake)
	w := newWorld(t, b, programs.Fake)
	w.write(".ssh/config", "Host *\n\tUserKnownHostsFile "+w.known()+"\nInclude "+b.SSHConfig+"\n")

	r := w.infer("h1")
	r.Want(1, "SSH_HOST_KEY_UNKNOWN", "rbee node trust h1")
	shown := regexp.MustCompile(`SHA256:[A-Za-z0-9+/]{43}`).FindString(r.Stderr.String())
	if own, err := h.Fingerprint(); err != nil || shown != own {
		t.Fatalf("%q is shown, the host's own is %s (%v)", shown, own, err)
	}
	if log := h.Log(); strings.Contains(log, "Accepted publickey") {
		t.Errorf("it authenticated to a host it does not know:\n%s", log)
	}

	w.rbee("node", "trust", "h1", "--yes", "--fingerprint", "SHA256:"+strings.Repeat("A", 43)).Want(1, "SSH_HOST_KEY_UNKNOWN", shown)
	w.rbee("node", "trust", "h1", "--yes").Want(2, "--fingerprint")
	w.infer("h1").Want(1, "SSH_HOST_KEY_UNKNOWN")
	r = w.rbee("node", "trust", "h1", "--yes", "--fingerprint", shown)
	r.Want(0)
	if !strings.Contains(r.Stdout.String(), "h1 is trusted") {
		t.Errorf("%q", r.Stdout)
	}
	w.infer("h1").Want(0, "clean: 3 processes")

	// Another key is refused whatever is asked for.
	w.write(".ssh/known_hosts", strings.Replace(keyLine(t, b, b.Host("h2")), knownAs(b.Host("h2")), knownAs(h), 1))
	w.infer("h1").Want(1, "SSH_HOST_KEY_CHANGED", shown)
	w.rbee("node", "trust", "h1", "--yes", "--fingerprint", shown).Want(1, "SSH_HOST_KEY_CHANGED")
	w.infer("h1").Want(1, "SSH_HOST_KEY_CHANGED")
	nothingRuns(t, h, 0)
}

func TestTreeAKeyThatIsNotAcceptedIsNamed(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{})
	w := newWorld(t, b, programs.Fake)
	other := filepath.Join(w.dir, "other_key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config, err := os.ReadFile(b.SSHConfig)
	if err != nil {
		t.Fatal(err)
	}
	w.write(".ssh/config", strings.ReplaceAll(string(config), b.KeyFile, other))
	r := w.infer("h1")
	r.Want(1, "SSH_AUTH_FAILED", other, "node: h1")
	r.Clean(0)
}

// Nobody answers: all attempts are made, none takes longer than it may, and the error says so.
func TestTreeAHostThatDoesNotAnswerIsGivenUpAfterThreeAttempts(t *testing.T) {
	t.Parallel()
	b := hosts(t, testbed.Spec{}, testbed.Spec{}, testbed.Spec{})
	for name, how := range map[string]testbed.How{"h1": testbed.LinkDown, "h2": testbed.DropBoth, "h3": testbed.RST} {
		t.Run(how.String(), func(t *testing.T) {
			needs(t, b.Caps.Cut, "a cut")
			t.Parallel()
			if err := b.Host(name).Cut(how); err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, b, programs.Fake, "Host *", "ConnectTimeout 1", "Host *")
			r := w.infer(name)
			code := "SSH_UNREACHABLE" // the kernel says so: refused, or no such neighbour
			if how == testbed.DropBoth {
				code = "SSH_TIMEOUT"
			}
			r.Want(1, code, "3 attempts", "node: "+name)
			if took := time.Since(r.Began); took > 6*time.Second || how == testbed.DropBoth && took < 3*time.Second {
				t.Errorf("three attempts of 1s took %v", took)
			}
			r.Clean(0)
		})
	}
}
