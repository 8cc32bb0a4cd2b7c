package sshconn

import (
	"bytes"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"
)

// authentication is all that is shown to one server.
type authentication struct {
	t          Target
	candidates []*candidate
	unusable   []string // "FILE: why"
	agent      *agentKeys
	agentState string
	locked     bool     // a key was left out because nobody can be asked for its passphrase
	allowed    []string // what the server said it takes
	partial    []string
}

// serverTries is how many keys a server looks at before it hangs up (MaxAuthTries 6, of which one is the greeting).
const serverTries = 5

// prepare collects the keys in OpenSSH's order: certificates, keys of the agent that the configuration names, other
// keys of the agent, keys that are only in files. One change: if there are more than a server looks at, the files
// that the user named go before keys that the agent only happens to hold.
func prepare(t Target, socket string, keys *opened, hold func() func()) *authentication {
	a := &authentication{t: t, agentState: "no agent"}
	var files []keyFile
	for _, id := range t.Identities {
		files = append(files, readKeyFile(id))
	}
	var certs, named, others, explicit, byDefault []*candidate
	inAgent := map[string]*candidate{}
	if socket != "" {
		var err error
		if a.agent, err = openAgent(socket); err != nil {
			a.agentState = "agent: " + clean(err.Error())
		} else {
			a.agentState = fmt.Sprintf("agent: %d keys", len(a.agent.signers))
			for i, s := range a.agent.signers {
				c := &candidate{name: "agent key " + agentName(a.agent.names[i], s), pub: s.PublicKey(), hold: hold,
					open: func() (ssh.Signer, error) { return s, nil }}
				inAgent[string(c.pub.Marshal())] = c
				others = append(others, c)
			}
		}
	}
	bySigner := map[string]*candidate{} // all that can sign, for certificates
	for blob, c := range inAgent {
		bySigner[blob] = c
	}
	for _, k := range files {
		if k.pub != nil {
			if c := inAgent[string(k.pub.Marshal())]; c != nil {
				named = append(named, c)
				continue
			}
		}
		c := a.file(k, keys, hold)
		if c == nil {
			continue
		}
		bySigner[string(c.pub.Marshal())] = c
		if k.Explicit {
			explicit = append(explicit, c)
		} else {
			byDefault = append(byDefault, c)
		}
	}
	certs = a.certificates(bySigner, hold)
	others = slices.DeleteFunc(others, func(c *candidate) bool {
		return slices.Contains(named, c) || t.IdentitiesOnly && !a.isCertificateOf(c)
	})
	if len(certs)+len(named)+len(others) >= serverTries {
		a.candidates = slices.Concat(certs, named, explicit, others, byDefault)
	} else {
		a.candidates = slices.Concat(certs, named, others, explicit, byDefault)
	}
	return a
}

// isCertificateOf: with IdentitiesOnly, a certificate in the agent counts if its key is named.
func (a *authentication) isCertificateOf(c *candidate) bool {
	cert, ok := c.pub.(*ssh.Certificate)
	return ok && slices.ContainsFunc(a.t.Identities, func(id Identity) bool {
		k := readKeyFile(id)
		return k.pub != nil && bytes.Equal(k.pub.Marshal(), cert.Key.Marshal())
	})
}

func agentName(comment string, s ssh.Signer) string {
	if comment = clean(comment); comment == "" {
		return fingerprint(s.PublicKey())
	}
	return comment
}

// file makes a candidate of a key file, or notes why it is none.
func (a *authentication) file(k keyFile, keys *opened, hold func() func()) *candidate {
	c := &candidate{name: k.Path, pub: k.pub, hold: hold, open: func() (ssh.Signer, error) { return k.signer, nil }}
	switch {
	case k.signer != nil:
		return c
	case k.locked == nil:
		if k.Explicit || k.why != "missing" {
			a.unusable = append(a.unusable, k.Path+": "+k.why)
		}
		return nil
	case keys.ask == nil:
		a.locked = true
		a.unusable = append(a.unusable, k.Path+": encrypted, and there is no terminal to ask for its passphrase")
		return nil
	}
	c.open = func() (ssh.Signer, error) { return keys.open(k) }
	if c.pub == nil { // an old format that hides its public part: ask now, or it cannot even be offered
		release := hold()
		signer, err := c.open()
		release()
		if err != nil {
			a.unusable = append(a.unusable, clean(err.Error()))
			return nil
		}
		c.pub = signer.PublicKey()
	}
	return c
}

// certificates joins the certificates of the configuration, and those beside the key files, with their keys.
func (a *authentication) certificates(keys map[string]*candidate, hold func() func()) (certs []*candidate) {
	type source struct {
		path     string
		explicit bool
	}
	var from []source
	for _, f := range a.t.Certificates {
		from = append(from, source{f, true})
	}
	for _, id := range a.t.Identities {
		from = append(from, source{id.Path + "-cert.pub", false})
	}
	for _, f := range from {
		pub, err := readPublic(f.path)
		cert, ok := pub.(*ssh.Certificate)
		if err != nil || !ok {
			if f.explicit {
				a.unusable = append(a.unusable, fmt.Sprintf("%s: no certificate: %v", f.path, err))
			}
			continue
		}
		key := keys[string(cert.Key.Marshal())]
		if key == nil {
			if f.explicit {
				a.unusable = append(a.unusable, f.path+": neither a file nor the agent has its private key")
			}
			continue
		}
		certs = append(certs, &candidate{name: f.path, pub: cert, hold: hold, open: key.open})
	}
	return certs
}

// signers are what the library offers. All are one method of it, since it tries each method once.
func (a *authentication) signers() []ssh.Signer {
	signers := make([]ssh.Signer, len(a.candidates))
	for i, c := range a.candidates {
		signers[i] = c
	}
	return signers
}
