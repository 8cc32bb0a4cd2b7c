package sshconn

import (
	"fmt"
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
	if err == nil {
		a.signers, err = client.Signers()
	}
	if err == nil && len(keys) != len(a.signers) {
		err = fmt.Errorf("its keys changed while they were listed")
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	for i, k := range keys {
		a.names = append(a.names, k.Comment)
		// The library's signers carry the raw key; a certificate must be known as one.
		if pub, err := ssh.ParsePublicKey(k.Marshal()); err == nil {
			a.signers[i] = &agentSigner{a.signers[i], pub, conn}
		}
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
	ssh.Signer
	pub  ssh.PublicKey
	conn net.Conn
}

func (s *agentSigner) PublicKey() ssh.PublicKey { return s.pub }

func (s *agentSigner) SignWithAlgorithm(_ random, data []byte, algorithm string) (*ssh.Signature, error) {
	_ = s.conn.SetDeadline(time.Now().Add(agentSigns))
	return s.Signer.(ssh.AlgorithmSigner).SignWithAlgorithm(nil, data, algorithm)
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
