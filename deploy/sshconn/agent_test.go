package sshconn

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"rbee/internal/fault"
)

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
