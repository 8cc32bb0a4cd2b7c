package sshconn

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

// keyFile is what a file of Identities holds.
type keyFile struct {
	Identity
	pub    ssh.PublicKey // nil: not known without a passphrase
	signer ssh.Signer    // nil: no private key, or not usable
	why    string        // why it is not usable
	locked []byte        // an encrypted private key
}

const maxKeyFile = 1 << 20 // bytes, as in OpenSSH

// readKeyFile never waits for a human, and refuses a private key that others can read, as ssh does.
func readKeyFile(id Identity) keyFile {
	k := keyFile{Identity: id}
	text, mode, err := readSmall(id.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		k.why = "missing"
		k.pub, _ = readPublic(id.Path + ".pub") // the agent may hold the private part
		return k
	case err != nil:
		k.why = err.Error()
		return k
	}
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil && !bytes.Contains(text, []byte("PRIVATE KEY")) {
		k.pub, k.why = pub, "only a public key, and no agent holds its private part"
		return k
	}
	if mode&0o077 != 0 {
		k.why = fmt.Sprintf("mode %#o: others can use it, so ssh refuses it: chmod 600 %s", mode, id.Path)
		return k
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		k.signer, k.pub = signer, signer.PublicKey()
	case errors.As(err, &locked):
		if k.locked, k.pub = text, locked.PublicKey; k.pub == nil {
			k.pub, _ = readPublic(id.Path + ".pub")
		}
	default:
		k.why = "no key: " + clean(err.Error())
	}
	return k
}

func readPublic(path string) (ssh.PublicKey, error) {
	text, _, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(text)
	return pub, err
}

func readSmall(path string) ([]byte, os.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	return text, info.Mode().Perm(), err
}

// Passphrase asks the user for the passphrase of a key file.
type Passphrase func(file string) ([]byte, error)

// opened keeps the keys that were decrypted in one Dial, so that a file is asked for once, whatever the number of
// attempts and hops.
type opened struct {
	mu  sync.Mutex
	ask Passphrase
	m   map[string]openedKey
}

// passphraseTries is how often ssh asks.
const passphraseTries = 3

var errWrongPassphrase = errors.New("the passphrase is wrong")

type openedKey struct {
	signer ssh.Signer
	err    error
}

func (o *opened) open(k keyFile) (ssh.Signer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if was, ok := o.m[k.Path]; ok {
		return was.signer, was.err
	}
	var got openedKey
	for range passphraseTries {
		var pass []byte
		if pass, got.err = o.ask(k.Path); got.err != nil {
			break
		}
		got.signer, got.err = ssh.ParsePrivateKeyWithPassphrase(k.locked, pass)
		clear(pass)
		if !errors.Is(got.err, x509.IncorrectPasswordError) {
			break
		}
		got.err = errWrongPassphrase
	}
	if got.err != nil {
		got.err = fmt.Errorf("%s: %w", k.Path, got.err)
	}
	o.m[k.Path] = got
	return got.signer, got.err
}
