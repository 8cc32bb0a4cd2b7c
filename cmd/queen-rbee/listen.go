package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/gateway/guard"
)

// defaultListen is where OpenAI's clients find a queen.
const defaultListen = "127.0.0.1:8500"

// maxConnections bounds what one address holds open: each costs memory, idle ones too. The socket has its own count,
// so the user gets in when an address is full.
const maxConnections = 1024

// entrance is one TCP address that a queen listens on.
type entrance struct {
	net.Listener
	door guard.Door
}

// entrances listens on every address, or on none.
func entrances(addresses []string, haveKeys bool) (all []*entrance, err error) {
	defer func() {
		if err != nil {
			for _, e := range all {
				e.Close()
			}
		}
	}()
	for _, a := range addresses {
		if a == "none" {
			if len(addresses) > 1 {
				return all, fault.New(fault.InvalidRequest, "--listen is none and an address, allowed is one or the other")
			}
			return nil, nil
		}
		e, err := enter(a, haveKeys)
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
	return all, nil
}

func enter(address string, haveKeys bool) (*entrance, error) {
	host, port, err := splitListen(address)
	if err != nil {
		return nil, err
	}
	tcp, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fault.Wrap(fault.InvalidRequest, err, "--listen is %q, and that is no address: %v", address, err).
			WithHint("name one of this machine's, like 127.0.0.1:8500, or none")
	}
	loopback := tcp.IP.IsLoopback()
	if !loopback && !haveKeys {
		return nil, fault.New(fault.Unauthorized, "%s can be reached from other machines, and there is no API key that they would need", address).
			WithHint("make one first: rbee key add NAME. Or listen on this machine only: --listen %s", net.JoinHostPort("127.0.0.1", port))
	}
	l, err := net.ListenTCP("tcp", tcp)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, taken(tcp)
	case err != nil:
		return nil, fault.Wrap(fault.SocketInUse, err, "cannot listen on %s: %v", address, inner(err)).
			WithHint("name another address with --listen, or none")
	}
	e := &entrance{Listener: netutil.LimitListener(l, maxConnections), door: guard.Door{Loopback: loopback}}
	if net.ParseIP(host) == nil && host != "" {
		e.door.Names = []string{host}
	}
	if own, err := os.Hostname(); err == nil && !loopback { // how others call this machine
		e.door.Names = append(e.door.Names, own, own+".local")
	}
	return e, nil
}

// splitListen reads host:port, :port (every address), or a port alone (this machine).
func splitListen(address string) (host, port string, err error) {
	if _, err := strconv.Atoi(address); err == nil {
		host, port = "127.0.0.1", address
	} else if host, port, err = net.SplitHostPort(address); err != nil {
		if net.ParseIP(strings.Trim(address, "[]")) == nil {
			return "", "", fault.Wrap(fault.InvalidRequest, err, "--listen is %q, allowed is HOST:PORT, a port, or none", address)
		}
		host, port = strings.Trim(address, "[]"), "8500"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", "", fault.New(fault.InvalidRequest, "--listen is %q, allowed is a port of 1 to 65535, or 0 for any free one", address)
	}
	return host, port, nil
}

// taken is the error for an address that somebody else has, and who that is if it is a queen. A queen does not go on
// without the address that its clients know: they would be answered by somebody else and not notice.
func taken(a *net.TCPAddr) error {
	e := fault.New(fault.SocketInUse, "another program listens on %v", a).WithHint("name another address with --listen, or none (RBEE_LISTEN)").With("address", a.String())
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	d := &net.Dialer{}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", a.String())
	}}}
	if v, err := api.NewLocalClient(client).Version(ctx); err == nil && v.PID > 0 {
		e.Message = fmt.Sprintf("a queen listens on %v already (pid %d)", a, v.PID)
		_ = e.With("pid", v.PID).WithHint("use it, stop it (rbee queen stop), or name another address with --listen, or none (RBEE_LISTEN)")
	}
	return e
}

// inner is a network error without the address that the message has already.
func inner(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// urls are how the entrances are called.
func urls(all []*entrance, tls bool) (out []string) {
	scheme := "http://"
	if tls {
		scheme = "https://"
	}
	for _, e := range all {
		out = append(out, scheme+e.Addr().String())
	}
	return out
}
