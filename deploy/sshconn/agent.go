package sshconn

import (
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

const (
	agentAnswers = 2 * time.Second  // an agent lists its keys at once, or it is broken
	agentSigns   = 60 * time.Second // it may ask its human first, or wait for a touch
)

// agentKeys is an open ssh-agent.
type agentKeys struct {
	conn    net.Conn
	signers []ssh.Signer
	names   []string // comments
}

// openAgent asks the agent at a socket for its keys.
func openAgent(socket string) (*agentKeys, error) {
	conn, err := net.DialTimeout("unix", socket, agentAnswers)
	if err != nil {
		return nil, err
	}
	a := &agentKeys{conn: conn}
	_ = conn.SetDeadline(time.Now().Add(agentAnswers))
	client := agent.NewClient(conn)
	keys, err := client.List()
	if err != nil {
		conn.Close()
		return nil, err
	}
	for _, k := range keys {
		pub, err := ssh.ParsePublicKey(k.Marshal()) // a certificate must be known as one
		if err != nil {
			continue // of a kind that the library does not know
		}
		a.signers = append(a.signers, &agentSigner{client, pub, conn})
		a.names = append(a.names, k.Comment)
	}
	return a, nil
}

func (a *agentKeys) close() {
	if a != nil {
		a.conn.Close()
	}
}

// agentSigner lets the agent's human take their time.
type agentSigner struct {
	agent agent.ExtendedAgent
	pub   ssh.PublicKey
	conn  net.Conn
}

var _ ssh.AlgorithmSigner = (*agentSigner)(nil)

func (s *agentSigner) PublicKey() ssh.PublicKey { return s.pub }

func (s *agentSigner) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(r, data, plainType(s.pub))
}

func (s *agentSigner) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	var flags agent.SignatureFlags
	switch algorithm {
	case ssh.KeyAlgoRSASHA256:
		flags = agent.SignatureFlagRsaSha256
	case ssh.KeyAlgoRSASHA512:
		flags = agent.SignatureFlagRsaSha512
	}
	_ = s.conn.SetDeadline(time.Now().Add(agentSigns))
	return s.agent.SignWithFlags(s.pub, data, flags)
}

// agentSocket is where the target's agent listens; "" if there is none.
func (t Target) agentSocket(env string) string {
	switch t.IdentityAgent {
	case "":
		if env == "" {
			env = os.Getenv("SSH_AUTH_SOCK")
		}
		return env
	case "none":
		return ""
	}
	return t.IdentityAgent
}
