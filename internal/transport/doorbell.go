package transport

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// doorbell lets an unmodified Proto.Actor remote, which insists on a TCP listener, serve streams that never
// touched a port. For each stream that arrives on a link the process rings its own listener on loopback: a
// connection that carries a secret and the stream's number. The server's "TLS handshake" reads them, closes the
// connection, and returns the waiting stream in its place.
//
// A stranger who connects gets to send 40 bytes within a second and is dropped. The secret is 32 random bytes that
// never leave the process.
type doorbell struct {
	secret [32]byte

	mu      sync.Mutex
	addr    string
	next    uint64
	waiting map[uint64]visitor
}

// visitor is a stream that waits at the door. The origin was checked at every hop.
type visitor struct {
	conn   net.Conn
	origin string
}

// maxWaiting bounds the streams at the door; more are refused.
const maxWaiting = 1024

// ringTime bounds one ring; the server answers it from memory.
const ringTime = 5 * time.Second

// Origin is the vouched-for address of the peer, in gRPC's AuthInfo.
type Origin struct {
	credentials.CommonAuthInfo
	Address string
}

// AuthType implements credentials.AuthInfo.
func (Origin) AuthType() string { return "rbee-link" }

func newDoorbell() *doorbell {
	d := &doorbell{waiting: map[uint64]visitor{}}
	_, _ = rand.Read(d.secret[:]) // never fails (crypto/rand)
	return d
}

// ring hands one stream to the server, or closes it.
func (d *doorbell) ring(c net.Conn, origin string) {
	d.mu.Lock()
	d.next++
	id, addr := d.next, d.addr
	full := len(d.waiting) >= maxWaiting
	if !full {
		d.waiting[id] = visitor{c, origin}
	}
	d.mu.Unlock()
	if full {
		c.Close()
		return
	}
	if bell, err := net.Dial("tcp", addr); err == nil {
		_ = bell.SetDeadline(time.Now().Add(ringTime))
		b := binary.BigEndian.AppendUint64(d.secret[:len(d.secret):len(d.secret)], id)
		_, _ = bell.Write(b)
		_, _ = bell.Read(b[:1]) // returns when the server has closed its side
		bell.Close()
	}
	if v, ok := d.take(id); ok { // nobody came to the door
		v.conn.Close()
	}
}

func (d *doorbell) take(id uint64) (visitor, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.waiting[id]
	delete(d.waiting, id)
	return v, ok
}

// ServerHandshake implements credentials.TransportCredentials.
func (d *doorbell) ServerHandshake(bell net.Conn) (net.Conn, credentials.AuthInfo, error) {
	defer bell.Close()
	_ = bell.SetDeadline(time.Now().Add(time.Second))
	var b [40]byte
	if _, err := io.ReadFull(bell, b[:]); err != nil {
		return nil, nil, err
	}
	if subtle.ConstantTimeCompare(b[:32], d.secret[:]) != 1 {
		return nil, nil, errors.New("wrong secret")
	}
	v, ok := d.take(binary.BigEndian.Uint64(b[32:]))
	if !ok {
		return nil, nil, errors.New("no such stream")
	}
	return v.conn, Origin{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, v.origin}, nil
}

// ClientHandshake implements credentials.TransportCredentials; the doorbell is a server's.
func (d *doorbell) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.ErrUnsupported
}

// Info implements credentials.TransportCredentials.
func (d *doorbell) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "rbee-link"}
}

// Clone implements credentials.TransportCredentials.
func (d *doorbell) Clone() credentials.TransportCredentials { return d }

// OverrideServerName implements credentials.TransportCredentials.
func (d *doorbell) OverrideServerName(string) error { return nil }
