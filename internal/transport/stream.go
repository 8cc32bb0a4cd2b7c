package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hashicorp/yamux"
)

// Service says what a stream is for.
type Service byte

const (
	ServiceActors Service = 1 // Proto.Actor's remote
	ServiceAPI    Service = 2 // HTTP to the queen, from its owner only
	ServiceLoans  Service = 3 // HTTP to the queen, from its hives only: what it lends them (package lend)
)

// preamble is the head of every stream: 'R' 'b' service, two lengths, target, origin.
type preamble struct {
	service        Service
	target, origin string
}

// preambleTime bounds the wait for a peer that opens a stream and says nothing.
const preambleTime = 5 * time.Second

func (p preamble) write(w io.Writer) error {
	if len(p.target) > maxAddress || len(p.origin) > maxAddress {
		return fmt.Errorf("address too long: %.80s", p.target)
	}
	b := []byte{'R', 'b', byte(p.service), byte(len(p.target)), byte(len(p.origin))}
	_, err := w.Write(append(append(b, p.target...), p.origin...))
	return err
}

func readPreamble(r io.Reader) (p preamble, err error) {
	var h [5]byte
	if _, err = io.ReadFull(r, h[:]); err != nil {
		return p, err
	}
	if h[0] != 'R' || h[1] != 'b' || h[2] < byte(ServiceActors) || h[2] > byte(ServiceLoans) {
		return p, fmt.Errorf("bad preamble % x", h)
	}
	b := make([]byte, int(h[3])+int(h[4]))
	if _, err = io.ReadFull(r, b); err != nil {
		return p, err
	}
	p = preamble{Service(h[2]), string(b[:h[3]]), string(b[h[3]:])}
	return p, errors.Join(CheckAddress(p.target), CheckAddress(p.origin))
}

// splice joins two streams until one of them ends.
func splice(a, b net.Conn) {
	done := make(chan struct{}, 2)
	cp := func(dst, src net.Conn) {
		_, _ = io.Copy(dst, src)
		done <- struct{}{}
	}
	go cp(a, b)
	go cp(b, a)
	<-done
	a.Close()
	b.Close()
	<-done
}

// sessionConfig turns a lease into yamux's settings. A peer that is silent is noticed after interval + timeout at
// most, which is 0.9 of the lease. yamux has one timeout for pings and writes, so a write that is blocked for so
// long ends the link too.
func sessionConfig(lease time.Duration) *yamux.Config {
	c := yamux.DefaultConfig()
	c.LogOutput = io.Discard
	c.KeepAliveInterval = lease * 3 / 10
	c.ConnectionWriteTimeout = lease * 6 / 10
	c.StreamOpenTimeout = lease
	c.StreamCloseTimeout = 5 * time.Second // yamux's own 5 min would hold every half-closed stream
	return c
}
