package sshconn

import (
	"context"
	"net"

	"golang.org/x/crypto/ssh"

	"rbee/internal/fault"
)

// hop connects to one machine, through the last one that c reached, and authenticates there.
func (d *dialer) hop(ctx context.Context, c *Conn, hop Target, scan bool) error {
	known, err := loadHostKeys(hop)
	if err != nil {
		return err
	}
	config := &ssh.ClientConfig{User: hop.User, ClientVersion: "SSH-2.0-rbee"}
	if config.HostKeyAlgorithms, err = known.algorithms(); err == nil {
		err = hop.crypto(&config.Config)
	}
	if err != nil {
		return fault.Wrap(fault.InvalidRequest, err, "the SSH configuration for %s cannot be used: %v", hop.Name, err)
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	clock := startClock(hop.ConnectTimeout, func() { cancel(errSlow) })
	defer clock.stop()

	var auth *authentication
	ready := make(chan struct{})
	go func() { // the agent and the files are asked while the machine is
		defer close(ready)
		auth = prepare(hop, hop.agentSocket(d.AgentSock), d.keys, clock.hold)
	}()
	defer func() {
		<-ready
		auth.agent.close()
	}()

	conn, err := c.reach(ctx, hop)
	if err != nil {
		return cause(ctx, err)
	}
	verified := false
	config.HostKeyCallback = func(name string, remote net.Addr, key ssh.PublicKey) error {
		if scan {
			return &seen{plain(key)}
		}
		err := known.check(name, remote, key)
		verified = err == nil
		return err
	}
	config.Auth = []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		<-ready
		return auth.signers(), nil
	})}
	config.AuthCallback = func(a *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
		<-ready
		auth.allowed, auth.partial = a.AllowedMethods, a.PartialSuccessMethods
		return nil, nil
	}
	// A handshake can be ended in no other way than by closing what lies below it, and what it asks to sign.
	stop := context.AfterFunc(ctx, func() {
		c.closeBelow()
		<-ready
		auth.agent.close()
	})
	sc, chans, reqs, err := ssh.NewClientConn(conn, hop.lookup(), config)
	if !stop() {
		if err == nil {
			sc.Close()
		}
		return cause(ctx, err)
	}
	if err != nil {
		if <-ready; verified && auth.isCause(err) {
			return auth.failed(err)
		}
		return err
	}
	c.clients = append(c.clients, ssh.NewClient(sc, chans, reqs))
	return nil
}

// cause prefers why the context ended to what its end led to.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil {
		return why
	}
	return err
}
