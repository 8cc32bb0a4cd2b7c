package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"rbee/actors/queen"
	"rbee/internal/api"
	"rbee/internal/config"
	"rbee/internal/gateway"
	"rbee/internal/gateway/guard"
	"rbee/internal/telemetry"
	"rbee/internal/version"
)

// doors are all the ways into a daemon.
type doors struct {
	socket *socket
	tcp    []*entrance
	tls    *tls.Config // of tcp; nil = none
	log    *slog.Logger

	servers []*http.Server
	state   *guard.State
	receipt chan struct{} // closed when last is there
	last    api.Receipt
}

// openDoors listens, and answers nobody yet: who comes waits in the kernel.
func openDoors(path string, o options, v *live) (*doors, error) {
	d := &doors{log: v.log.Logger, state: &guard.State{}, receipt: make(chan struct{})}
	var err error
	if d.socket, err = listen(path); err != nil {
		return nil, err
	}
	if o.ephemeral {
		return d, nil
	}
	if err := d.openTCP(o, v); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *doors) openTCP(o options, v *live) (err error) {
	q := v.config.Get().Queen
	addresses, cert, key := o.listen, o.cert, o.key
	if len(addresses) == 0 {
		addresses = q.Listen
	}
	if len(addresses) == 0 {
		addresses = []string{defaultListen}
	}
	if cert == "" {
		env := config.New(os.Getenv)
		if cert, err = env.Expand(q.TLSCert); err == nil {
			key, err = env.Expand(q.TLSKey)
		}
		if err != nil {
			return err
		}
	}
	if d.tls, v.cert, err = secure(cert, key, d.log); err != nil {
		return err
	}
	if d.tcp, err = entrances(addresses, v.keys.Get().Len() > 0); err != nil {
		return err
	}
	for _, e := range d.tcp {
		if !e.door.Loopback && d.tls == nil {
			d.log.Warn("keys and prompts cross the network unencrypted", "listen", e.Addr().String(), "hint", "--tls-cert and --tls-key, or a proxy that has them")
		}
	}
	return nil
}

// serve opens them.
func (d *doors) serve(g *guard.Guard, next http.Handler) {
	start := func(l net.Listener, door guard.Door, secure bool) {
		s := gateway.NewServer(g.Handler(door, next))
		s.ErrorLog = slog.NewLogLogger(d.log.Handler(), slog.LevelDebug) // what strangers do wrong is no news
		d.servers = append(d.servers, s)
		go func() {
			var err error
			if secure {
				s.TLSConfig = d.tls.Clone()
				err = s.ServeTLS(l, "", "")
			} else {
				err = s.Serve(l)
			}
			if err != http.ErrServerClosed {
				d.log.Error("not served any more", "listen", l.Addr().String(), "error", err)
			}
		}()
	}
	start(netutil.LimitListener(d.socket.l, maxConnections), guard.Door{Socket: true}, false)
	for _, e := range d.tcp {
		start(e, e.door, d.tls != nil)
	}
}

// lastWords is what those may take who are still being answered when everything is gone: the receipt's askers, and
// streams that were cut.
const lastWords = 500 * time.Millisecond

// shut answers the receipt's askers, closes the doors and leaves nothing of them.
func (d *doors) shut(r api.Receipt) {
	d.last = r
	close(d.receipt)
	ctx, stop := context.WithTimeout(context.Background(), lastWords)
	defer stop()
	var all sync.WaitGroup
	for _, s := range d.servers {
		all.Go(func() {
			if s.Shutdown(ctx) != nil {
				s.Close()
			}
		})
	}
	all.Wait()
	d.close()
}

func (d *doors) close() {
	for _, e := range d.tcp {
		e.Close()
	}
	d.socket.remove()
}

// waitReceipt is guard.Options.Receipt.
func (d *doors) waitReceipt(gone <-chan struct{}) (api.Receipt, bool) {
	select {
	case <-d.receipt:
		return d.last, true
	case <-gone:
		return api.Receipt{}, false
	}
}

// status is how the daemon is, but for what the guard knows.
func (d *doors) status(o queen.Options, path string, began time.Time) func() api.Status {
	listen := urls(d.tcp, d.tls != nil)
	return func() api.Status {
		s := api.Status{Version: api.Version{Version: version.Build(), PID: os.Getpid(), Started: began}, Run: o.Run, Socket: d.socket.path, Listen: listen,
			Log: path, Args: os.Args[1:], Workers: len(o.Registry.List(""))}
		for _, n := range o.Board.Nodes() {
			if n.Address != "" {
				s.Nodes++
			}
		}
		return s
	}
}

// gauges are how the daemon is, for its metrics.
func gauges(o queen.Options, m *guard.Meter) func() telemetry.Gauges {
	return func() telemetry.Gauges {
		g := telemetry.Gauges{Workers: map[string]int64{}, Nodes: map[string]int64{}}
		for _, w := range o.Registry.List("") {
			g.Workers[w.GetState()]++
		}
		for _, n := range o.Board.Nodes() {
			g.Nodes[n.State]++
		}
		g.Running, g.Waiting = m.Now()
		return g
	}
}
