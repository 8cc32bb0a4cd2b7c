package sshconn

import (
	"errors"
	"io"
	"slices"

	"golang.org/x/crypto/ssh"
)

// candidate is a key that is offered to a server. It notes how far it came, for the error message, and stops the
// clock of the attempt while a human is asked.
type candidate struct {
	name string // "~/.ssh/id_ed25519", "agent: comment"
	pub  ssh.PublicKey
	open func() (ssh.Signer, error)
	hold func() (release func()) // stops the clock

	offered, chosen bool
	err             error
}

var _ ssh.MultiAlgorithmSigner = (*candidate)(nil)

// PublicKey is what the library asks for when it offers the key.
func (c *candidate) PublicKey() ssh.PublicKey {
	c.offered = true
	return c.pub
}

// Algorithms are the ways to sign: an RSA key has three.
func (c *candidate) Algorithms() []string {
	if t := plainType(c.pub); t != ssh.KeyAlgoRSA {
		return []string{t}
	}
	return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
}

func (c *candidate) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	return c.SignWithAlgorithm(r, data, c.Algorithms()[0])
}

// SignWithAlgorithm is called once the server said that this key would do.
func (c *candidate) SignWithAlgorithm(r io.Reader, data []byte, algorithm string) (sig *ssh.Signature, err error) {
	c.chosen = true
	defer c.hold()()
	defer func() { c.err = err }()
	signer, err := c.open()
	if err != nil {
		return nil, err
	}
	if s, ok := signer.(ssh.AlgorithmSigner); ok {
		return s.SignWithAlgorithm(r, data, algorithm)
	}
	if !slices.Contains([]string{signer.PublicKey().Type()}, algorithm) {
		return nil, errors.New("the key cannot sign with " + algorithm)
	}
	return signer.Sign(r, data)
}

// state says what became of the key, for people.
func (c *candidate) state() string {
	switch {
	case c.err != nil:
		return "could not sign: " + clean(c.err.Error())
	case c.chosen:
		return "accepted, and then refused"
	case c.offered:
		return "not accepted"
	}
	return "not tried any more"
}
