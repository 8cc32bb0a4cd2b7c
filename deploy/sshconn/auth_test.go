package sshconn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

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

// serveAgent is an ssh-agent on a socket; keys are files, or anything agent.AddedKey takes.
func serveAgent(t testing.TB, files ...string) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, f := range files {
		private, err := ssh.ParseRawPrivateKey([]byte(read(t, f)))
		if err == nil {
			err = ring.Add(agent.AddedKey{PrivateKey: private, Comment: "held:" + filepath.Base(f)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return listen(t, func(c net.Conn) { _ = agent.ServeAgent(ring, c) })
}

// listen serves each connection on a unix socket until the end of the test.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rbee") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return path
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
	works(t, target, Options{Passphrase: func(string) ([]byte, error) {
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
	err := refused(t, l.with(t, "IdentityFile "+f), Options{Passphrase: func(string) ([]byte, error) { return []byte("wrong"), nil }}, fault.SSHAuthFailed)
	if !strings.Contains(err.Message, f+": could not sign") || strings.Contains(err.Message, "wrong") {
		t.Error(err.Message)
	}
}

func TestARefusedLoginSaysWhatBecameOfEachKey(t *testing.T) {
	dir := t.TempDir()
	stranger, open, garbage := key(t, dir, "stranger"), key(t, dir, "open"), write(t, filepath.Join(dir, "garbage"), "no key")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	l := newLogin(t)
	err := refused(t, l.with(t, "IdentityFile "+stranger, "IdentityFile "+open, "IdentityFile "+garbage, "IdentityFile "+dir+"/none",
		"IdentityFile "+dir, "IdentityAgent "+serveAgent(t, stranger)), Options{}, fault.SSHAuthFailed)
	for _, want := range []string{
		"mac (127.0.0.1:" + strconv.Itoa(l.port) + ") accepted no key of user " + l.user, "agent: 1 keys", "agent key held:stranger: not accepted",
		open + ": mode 0644", "chmod 600 " + open, garbage + ": no key", dir + "/none: missing", dir + ": not a regular file",
	} {
		if !strings.Contains(err.Message, want) {
			t.Errorf("%q is not in %s", want, err.Message)
		}
	}
	if !strings.Contains(err.Hint, "chmod 600 "+open) {
		t.Errorf("the hint is %s", err.Hint)
	}
}

func TestTheAgentsKeysAreUsed(t *testing.T) {
	f := key(t, t.TempDir(), "held")
	l := newLogin(t, f+".pub")
	socket := serveAgent(t, f)
	works(t, l.with(t, "IdentityAgent "+socket), Options{})

	target := l.with(t)
	target.IdentityAgent = ""
	works(t, target, Options{AgentSock: socket})
	t.Setenv("SSH_AUTH_SOCK", socket)
	works(t, target, Options{})

	target.IdentityAgent = "none"
	refused(t, target, Options{}, fault.SSHAuthFailed)
}

func TestOpenSSHsAgentIsUnderstood(t *testing.T) {
	dir := t.TempDir()
	f := key(t, dir, "held")
	rsa := key(t, dir, "rsa", "-t", "rsa", "-b", "2048")
	socket := listen(t, func(net.Conn) {}) + "a"
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil { // it prints where it listens
		t.Fatal(err)
	}
	for _, f := range []string{f, rsa} {
		add := exec.Command("ssh-add", "-q", f)
		add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
		l := newLogin(t, f+".pub")
		works(t, l.with(t, "IdentityAgent "+socket), Options{})
	}
}

// slowAgent asks a human who never answers.
type slowAgent struct {
	agent.ExtendedAgent
	asked, released chan struct{}
}

func (a slowAgent) SignWithFlags(ssh.PublicKey, []byte, agent.SignatureFlags) (*ssh.Signature, error) {
	close(a.asked)
	<-a.released
	return nil, errors.New("no")
}

// The clock stands still for the human, but not for who gives up.
func TestAnAgentThatNeverSignsEndsWithTheContext(t *testing.T) {
	f := key(t, t.TempDir(), "held")
	l := newLogin(t, f+".pub")
	ring := agent.NewKeyring().(agent.ExtendedAgent)
	private, err := ssh.ParseRawPrivateKey([]byte(read(t, f)))
	if err == nil {
		err = ring.Add(agent.AddedKey{PrivateKey: private})
	}
	if err != nil {
		t.Fatal(err)
	}
	slow := slowAgent{ring, make(chan struct{}), make(chan struct{})}
	defer close(slow.released)
	target := l.with(t, "IdentityAgent "+listen(t, func(c net.Conn) { _ = agent.ServeAgent(slow, c) }))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-slow.asked
		cancel()
	}()
	if _, err := Dial(ctx, target, Options{}); fault.CodeOf(err) != fault.Cancelled {
		t.Error(err)
	}
}

func TestTheAgentSignsWithRSA(t *testing.T) {
	f := key(t, t.TempDir(), "rsa", "-t", "rsa", "-b", "2048")
	l := newLogin(t, f+".pub")
	works(t, l.with(t, "IdentityAgent "+serveAgent(t, f)), Options{})
}

func TestAKeyInTheAgentNeedsNoPassphrase(t *testing.T) {
	dir := t.TempDir()
	open := key(t, dir, "open")
	socket := serveAgent(t, open)
	run(t, "ssh-keygen", "-q", "-p", "-f", open, "-N", "secret")
	l := newLogin(t, open+".pub")
	works(t, l.with(t, "IdentityFile "+open, "IdentityAgent "+socket), Options{Passphrase: func(string) ([]byte, error) {
		t.Error("asked")
		return nil, errors.New("no")
	}})
}

// IdentityFile may name a public key whose private part only the agent has.
func TestIdentitiesOnlyChoosesAmongTheAgentsKeys(t *testing.T) {
	dir := t.TempDir()
	mine, other := key(t, dir, "mine"), key(t, dir, "other")
	socket := serveAgent(t, other, mine)
	l := newLogin(t, mine+".pub")
	works(t, l.with(t, "IdentityFile "+mine+".pub", "IdentitiesOnly yes", "IdentityAgent "+socket), Options{})
	err := refused(t, l.with(t, "IdentityFile "+other+".pub", "IdentitiesOnly yes", "IdentityAgent "+socket), Options{}, fault.SSHAuthFailed)
	if !strings.Contains(err.Message, "held:other: not accepted") || strings.Contains(err.Message, "held:mine") {
		t.Error(err.Message)
	}
}

// Seven keys in the agent are more than the server looks at.
func TestANamedKeyComesBeforeACrowdInTheAgent(t *testing.T) {
	dir := t.TempDir()
	var crowd []string
	for i := range 7 {
		crowd = append(crowd, key(t, dir, "k"+strconv.Itoa(i)))
	}
	named := key(t, dir, "named")
	socket := serveAgent(t, crowd...)
	l := newLogin(t, named+".pub")
	works(t, l.with(t, "IdentityFile "+named, "IdentityAgent "+socket), Options{})
	err := refused(t, l.with(t, "IdentityAgent "+socket), Options{}, fault.SSHAuthFailed)
	if !strings.Contains(err.Hint, "IdentitiesOnly yes") || !strings.Contains(err.Message, "not tried any more") {
		t.Errorf("%s\n%s", err.Message, err.Hint)
	}
}

func TestABrokenAgentIsSaidAndHarmless(t *testing.T) {
	f := key(t, t.TempDir(), "file")
	l := newLogin(t, f+".pub")
	for name, socket := range map[string]string{
		"missing": "/no/such/agent",
		"garbage": listen(t, func(c net.Conn) { _, _ = c.Write([]byte("\xff\xff\xff\xffgarbage")) }),
		"closed":  listen(t, func(net.Conn) {}),
		"silent": listen(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_, _ = c.Read(make([]byte, 1<<20))
			_, _ = c.Read(make([]byte, 1))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			works(t, l.with(t, "IdentityFile "+f, "IdentityAgent "+socket), Options{})
			err := refused(t, l.with(t, "IdentityAgent "+socket), Options{}, fault.SSHAuthFailed)
			if !strings.Contains(err.Message, "agent: ") || strings.Contains(err.Message, "agent: 0") {
				t.Error(err.Message)
			}
		})
	}
}

func TestACertificateIsShown(t *testing.T) {
	dir := t.TempDir()
	ca, f := key(t, dir, "ca"), key(t, dir, "mine")
	s, h := serve(t, "TrustedUserCAKeys "+ca+".pub"), newHome(t)
	h.knows(t, s)
	l := login{s, h}
	l.authorize(t)
	run(t, "ssh-keygen", "-q", "-s", ca, "-I", "test", "-n", s.user, f+".pub")
	beside := f + "-cert.pub"
	works(t, l.with(t, "IdentityFile "+f), Options{}) // beside its key

	apart := filepath.Join(dir, "apart.pub")
	if err := os.Rename(beside, apart); err != nil {
		t.Fatal(err)
	}
	refused(t, l.with(t, "IdentityFile "+f), Options{}, fault.SSHAuthFailed)
	works(t, l.with(t, "IdentityFile "+f, "CertificateFile "+apart), Options{})
	works(t, l.with(t, "CertificateFile "+apart, "IdentityAgent "+serveAgent(t, f)), Options{}) // its key in the agent

	err := refused(t, l.with(t, "CertificateFile "+apart), Options{}, fault.SSHAuthFailed)
	if !strings.Contains(err.Message, apart+": neither a file nor the agent has its private key") {
		t.Error(err.Message)
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
