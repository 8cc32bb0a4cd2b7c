package sshconn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"rbee/internal/fault"
)

// login is a server that accepts keys of authorized only, and a home that names no key of its own.
type login struct {
	*server
	*home
}

func newLogin(t testing.TB, authorized ...string) login {
	t.Helper()
	l := login{serve(t), newHome(t)}
	l.knows(t, l.server)
	l.authorize(t, authorized...)
	return l
}

// authorize replaces the authorized keys by those of these files.
func (l login) authorize(t testing.TB, public ...string) {
	t.Helper()
	var all strings.Builder
	for _, p := range public {
		all.WriteString(read(t, p))
	}
	write(t, filepath.Join(l.server.dir, "authorized_keys"), all.String())
}

// with resolves "mac" with more lines of configuration.
func (l login) with(t testing.TB, lines ...string) Target {
	t.Helper()
	h := &home{dir: l.home.dir}
	h.config.WriteString("Host mac\n HostName 127.0.0.1\n Port " + strconv.Itoa(l.port) + "\n User " + l.user + "\n " + strings.Join(lines, "\n ") + "\n")
	return h.resolve(t, "mac")
}

// refused dials and returns the error, which must be of want.
func refused(t testing.TB, target Target, o Options, want fault.Code) *fault.Error {
	t.Helper()
	c, err := Dial(t.Context(), target, o)
	if err == nil {
		c.Close()
		<-c.Lost()
	}
	if fault.CodeOf(err) != want {
		t.Fatalf("%v: %v, want %s", fault.CodeOf(err), err, want)
	}
	return fault.From(err)
}

func works(t testing.TB, target Target, o Options) {
	t.Helper()
	if out, exit := output(t, dial(t, target, o), "echo", "in"); out != "in\n" || !exit.OK() {
		t.Errorf("%q, %v", out, exit)
	}
}

func TestKeysOfAllKindsAreAccepted(t *testing.T) {
	dir := t.TempDir()
	files := []string{
		key(t, dir, "rsa", "-t", "rsa", "-b", "2048"), key(t, dir, "rsapem", "-t", "rsa", "-b", "2048", "-m", "PEM"),
		key(t, dir, "ecdsa", "-t", "ecdsa"), key(t, dir, "ed25519"),
		pkcs8(t, dir),
	}
	l := newLogin(t)
	for _, f := range files {
		l.authorize(t, f+".pub")
		works(t, l.with(t, "IdentityFile "+f), Options{})
	}
}

func pkcs8(t testing.TB, dir string) string {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(dir, "pkcs8"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	write(t, path+".pub", string(ssh.MarshalAuthorizedKey(pub)))
	return path
}

func TestAnEncryptedKeyAsksOnce(t *testing.T) {
	dir := t.TempDir()
	for _, options := range [][]string{{"-N", "secret"}, {"-N", "secret", "-t", "rsa", "-b", "2048", "-m", "PEM"}} {
		f := key(t, dir, "locked"+strconv.Itoa(len(options)), options...)
		l := newLogin(t, f+".pub")
		if len(options) > 2 { // hides its public part: it cannot even be offered without the passphrase
			if err := os.Remove(f + ".pub"); err != nil {
				t.Fatal(err)
			}
		}
		asked := 0
		works(t, l.with(t, "IdentityFile "+f), Options{Passphrase: func(file string) ([]byte, error) {
			if asked++; file != f {
				t.Errorf("asked for %s", file)
			}
			return []byte("secret"), nil
		}})
		if asked != 1 {
			t.Errorf("%v: asked %d times", options, asked)
		}
	}
}

func TestAKeyTheServerDoesNotWantIsNotAskedFor(t *testing.T) {
	dir := t.TempDir()
	locked, open := key(t, dir, "locked", "-N", "secret"), key(t, dir, "open")
	l := newLogin(t, open+".pub")
	works(t, l.with(t, "IdentityFile "+locked, "IdentityFile "+open), Options{Passphrase: func(string) ([]byte, error) {
		t.Error("asked")
		return nil, errors.New("no")
	}})
}

// The clock of an attempt stands still while the human types.
func TestTypingAPassphraseIsNoTimeout(t *testing.T) {
	f := key(t, t.TempDir(), "locked", "-N", "secret")
	l := newLogin(t, f+".pub")
	target := l.with(t, "IdentityFile "+f)
	target.ConnectTimeout = 700 * time.Millisecond
	works(t, target, Options{Attempts: 1, Passphrase: func(string) ([]byte, error) {
		<-time.After(time.Second) // a slow human
		return []byte("secret"), nil
	}})
}

func TestAnEncryptedKeyWithoutATerminalSaysWhatToDo(t *testing.T) {
	f := key(t, t.TempDir(), "locked", "-N", "secret")
	l := newLogin(t, f+".pub")
	err := refused(t, l.with(t, "IdentityFile "+f), Options{}, fault.SSHAuthFailed)
	if !strings.Contains(err.Message, f+": encrypted, and there is no terminal") || !strings.Contains(err.Hint, "ssh-add") {
		t.Errorf("%s\n%s", err.Message, err.Hint)
	}
}

func TestAWrongPassphraseIsSaid(t *testing.T) {
	f := key(t, t.TempDir(), "locked", "-N", "secret")
	l := newLogin(t, f+".pub")
	asked := 0
	err := refused(t, l.with(t, "IdentityFile "+f), Options{Passphrase: func(string) ([]byte, error) {
		asked++
		return []byte("sesam"), nil
	}}, fault.SSHAuthFailed)
	if !strings.Contains(err.Message, "the passphrase is wrong") || strings.Contains(err.Message, "sesam") {
		t.Error(err.Message)
	}
	if asked != passphraseTries {
		t.Errorf("asked %d times, ssh asks %d times", asked, passphraseTries)
	}
}

func TestAServerThatWantsMoreThanAKeyIsNamed(t *testing.T) {
	f := key(t, t.TempDir(), "mine")
	for _, c := range []struct{ options, want string }{
		{"AuthenticationMethods publickey,keyboard-interactive", "accepted a key of user"},
		{"PubkeyAuthentication no", "accepted no key"},
	} {
		s, h := serve(t, "KbdInteractiveAuthentication yes", c.options), newHome(t)
		h.knows(t, s)
		l := login{s, h}
		l.authorize(t, f+".pub")
		err := refused(t, l.with(t, "IdentityFile "+f), Options{}, fault.SSHAuthFailed)
		if !strings.Contains(err.Message, c.want) || !strings.Contains(err.Hint, "keyboard-interactive") {
			t.Errorf("%s: %s\n%s", c.options, err.Message, err.Hint)
		}
	}
}
