package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// maxMessage bounds one gRPC message, which is a batch of up to 1,000 envelopes. gRPC's own 4 MiB made a living
	// peer look dead. The largest envelopes are embeddings, bounded by actors/worker (maxVectors): two of them fit.
	maxMessage = 64 << 20
	// writerQueue is the start size of the queue to one peer, which grows. The library's 1,000,000 costs 16 MB per
	// late message to a dead life.
	writerQueue = 256
	// window is how much one side sends before the other has taken it, bytes. It is above yamux' own, so that gRPC never
	// waits. A fixed one also ends gRPC's measuring of the line: it answers every message with a ping, whose answer comes
	// back, so that one message up the tree was three through every process on its way.
	window = 1 << 20
)

// Endpoint is one process's actor system, reachable by its address from anywhere in the tree.
type Endpoint struct {
	*Router
	System *actor.ActorSystem
	remote *remote.Remote
	bell   *doorbell
}

// Options for NewEndpoint. Zero values are fine.
type Options struct {
	Logger  *slog.Logger           // the actor library's own log; nil = discard
	Refused func(from, why string) // told of every stream and envelope that was dropped
}

// NewEndpoint starts an actor system and its remote under that address.
func NewEndpoint(address string, o Options) (*Endpoint, error) {
	if err := CheckAddress(address); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Refused == nil {
		o.Refused = func(string, string) {}
	}
	e := &Endpoint{Router: NewRouter(address, o.Refused), bell: newDoorbell()}
	e.System = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return o.Logger }))
	g := gate{address: address, refused: o.Refused}
	cfg := remote.Configure("127.0.0.1", 0,
		remote.WithAdvertisedHost(address),
		remote.WithEndpointWriterQueueSize(writerQueue),
		remote.WithServerOptions(
			grpc.Creds(e.bell),
			grpc.MaxRecvMsgSize(maxMessage),
			grpc.StaticStreamWindowSize(window),
			grpc.StaticConnWindowSize(window),
			// With keepalive gRPC sets TCP_USER_TIMEOUT on the bell, which is closed by then, and drops the stream.
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: math.MaxInt64}),
			grpc.StreamInterceptor(g.stream),
			grpc.UnaryInterceptor(g.unary),
		),
		// This option replaces the library's defaults.
		remote.WithDialOptions(
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithAuthority("rbee"),
			grpc.WithStaticStreamWindowSize(window),
			grpc.WithStaticConnWindowSize(window),
			grpc.WithContextDialer(func(_ context.Context, target string) (net.Conn, error) {
				return e.Open(target, ServiceActors)
			}),
			grpc.WithStreamInterceptor(e.failFast),
		))
	cfg.MaxRetryCount = 1 // each further try is a 2 s sleep and 16 leaked goroutines
	e.remote = remote.NewRemote(e.System, cfg)
	if err := e.start(cfg); err != nil {
		return nil, err
	}
	e.Handle(ServiceActors, e.bell.ring)
	return e, nil
}

// start reserves a loopback port for the bell and starts the remote on it. The library panics when somebody else
// took the port in between; then the next one is tried.
func (e *Endpoint) start(cfg *remote.Config) (err error) {
	for range 5 {
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("cannot listen on loopback: %w", err)
		}
		cfg.Port = l.Addr().(*net.TCPAddr).Port
		l.Close()
		if err = e.tryStart(); err == nil {
			e.bell.mu.Lock()
			e.bell.addr = cfg.Address()
			e.bell.mu.Unlock()
			return nil
		}
	}
	return err
}

func (e *Endpoint) tryStart() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot start the actor remote: %v", p)
		}
	}()
	e.remote.Start()
	return nil
}

// Close ends the remote. The actor system has no end of its own; its actors were stopped before.
func (e *Endpoint) Close() {
	done := make(chan struct{})
	go func() { e.remote.Shutdown(false); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Second): // a frozen peer; the process is about to exit anyway
	}
}

// failFast makes a watch on, or a message to, an address with no route fail in 20 ms; the library sleeps for 2 s
// after a failed connect. It answers the library's handshake itself and then breaks the stream, and a broken
// stream is what makes the library report the peer as gone.
func (e *Endpoint) failFast(ctx context.Context, d *grpc.StreamDesc, cc *grpc.ClientConn, method string, s grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
	if _, err := e.next(cc.Target()); err == nil {
		cs, err := s(ctx, d, cc, method, o...)
		if err == nil {
			return cs, nil
		}
	}
	return &brokenStream{ctx: ctx}, nil
}

// brokenStream is a connection to nobody.
type brokenStream struct {
	grpc.ClientStream
	ctx      context.Context
	answered bool
}

var errNobody = errors.New("nobody lives at this address")

func (b *brokenStream) SendMsg(any) error        { return nil }
func (b *brokenStream) CloseSend() error         { return nil }
func (b *brokenStream) Context() context.Context { return b.ctx }

// RecvMsg is called by one goroutine at a time.
func (b *brokenStream) RecvMsg(m any) error {
	if rm, ok := m.(*remote.RemoteMessage); ok && !b.answered {
		b.answered = true
		rm.MessageType = &remote.RemoteMessage_ConnectResponse{ConnectResponse: &remote.ConnectResponse{}}
		return nil
	}
	// The library publishes "connected" after the first answer and would revive the endpoint if "terminated" came
	// before it; nothing tells when it has.
	time.Sleep(20 * time.Millisecond)
	return errNobody
}
