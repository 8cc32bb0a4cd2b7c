package transport

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"rbee/messages"
)

const (
	owner   = "queen.1"
	hostile = "queen.1~worker-0.1"
	sibling = "queen.1~worker-1.1"
)

// house is an owner with two children, all in this process, joined by real links.
type house struct {
	owner, hostile, sibling *Endpoint
	got                     chan any // what arrived at the owner's actors, and their ends
	mu                      sync.Mutex
	refused                 []string
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{got: make(chan any, 1000)}
	refused := func(from, why string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.refused = append(h.refused, from+": "+why)
	}
	endpoint := func(address string, refused func(string, string)) *Endpoint {
		e, err := NewEndpoint(address, Options{Refused: refused})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	h.owner, h.hostile, h.sibling = endpoint(owner, refused), endpoint(hostile, nil), endpoint(sibling, nil)
	for _, id := range []string{RootID, LinkPrefix + hostile, LinkPrefix + sibling, StreamPrefix + "secret"} {
		_, err := h.owner.System.Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
			switch m := c.Message().(type) {
			case *actor.Started:
			case *actor.Stopping, *actor.Terminated, proto.Message:
				h.got <- m
			}
		}), id)
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, child := range []*Endpoint{h.hostile, h.sibling} {
		up, down := net.Pipe()
		a, err1 := h.owner.AttachDown(child.Address(), down, 10*time.Second)
		b, err2 := child.AttachUp(up, 10*time.Second)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		t.Cleanup(func() { a.Close(); b.Close() })
	}
	return h
}

// only waits for m to arrive at the owner, and fails on anything that came before it.
func (h *house) only(t *testing.T, number int64) {
	t.Helper()
	select {
	case m := <-h.got:
		if r, ok := m.(*messages.SyncReply); !ok || r.GetNumber() != number {
			t.Fatalf("%T %v reached an actor of the owner's", m, m)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a good message did not arrive")
	}
}

func (h *house) refusals() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.refused)
}

// A worker that wants to stop the queen's actors, its sibling, or the actor library inside the queen gets nowhere,
// and what it may say still arrives.
func TestAHostileWorkerThatStopsTheQueensActorsGetsNowhere(t *testing.T) {
	h := newHouse(t)
	root := h.hostile.System.Root
	pid := func(id string) *actor.PID { return actor.NewPID(owner, id) }
	send := func(id string, m proto.Message) { h.hostile.remote.SendMessage(pid(id), nil, m, nil, -1) }
	targets := []string{RootID, LinkPrefix + hostile, LinkPrefix + sibling, StreamPrefix + "secret", "EndpointSupervisor", "activator"}
	for _, id := range targets {
		root.Stop(pid(id))
		root.Poison(pid(id))
	}
	send(RootID, &messages.Shutdown{})
	send(RootID, &messages.Generate{Id: "x"})
	send(LinkPrefix+sibling, &messages.Stopped{})
	send(LinkPrefix+sibling, &messages.Ready{})
	send(LinkPrefix+sibling, &actor.Terminated{Who: actor.NewPID(sibling, RootID)})
	send(LinkPrefix+hostile, &actor.Terminated{Who: actor.NewPID(sibling, RootID)})
	send(StreamPrefix+"secret", &messages.Stopped{})
	send("future1", &messages.Done{})
	root.RequestWithCustomSender(pid(LinkPrefix+hostile), &messages.Ready{}, actor.NewPID(sibling, RootID)) // in another's name
	// Messages of one sender to one process arrive in order: when this is there, all the others were seen.
	send(LinkPrefix+hostile, &messages.SyncReply{Number: 7})
	h.only(t, 7)
	if n := h.refusals(); n < 2*len(targets)+8 {
		t.Errorf("%d refusals, want at least %d: %q", n, 2*len(targets)+8, h.refused)
	}
	h.sibling.remote.SendMessage(pid(LinkPrefix+sibling), nil, &messages.SyncReply{Number: 8}, nil, -1)
	h.only(t, 8)
}

// One envelope with an index out of range, an unknown type or an unknown serializer ends a process that looks at
// it without a check; so does any unary call.
func TestEnvelopesThatWouldEndTheProcessAreDropped(t *testing.T) {
	h := newHouse(t)
	cc, err := grpc.NewClient("passthrough:///"+owner, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("rbee"),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return h.hostile.Open(owner, ServiceActors) }))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client := remote.NewRemotingClient(cc)
	if _, err := client.ListProcesses(ctx, &remote.ListProcessesRequest{}); err == nil {
		t.Error("a unary call was answered")
	}
	s, err := client.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	connect := func(name string) *remote.RemoteMessage {
		return &remote.RemoteMessage{MessageType: &remote.RemoteMessage_ConnectRequest{ConnectRequest: &remote.ConnectRequest{
			ConnectionType: &remote.ConnectRequest_ServerConnection{ServerConnection: &remote.ServerConnection{SystemId: "x", Address: name}}}}}
	}
	if err := s.Send(connect(hostile)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != nil {
		t.Fatal(err)
	}
	good, _ := proto.Marshal(&messages.SyncReply{Number: 9})
	batch := func(b *remote.MessageBatch) {
		t.Helper()
		if err := s.Send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: b}}); err != nil {
			t.Fatal(err)
		}
	}
	link := []*actor.PID{{Address: owner, Id: LinkPrefix + hostile}}
	reply := []string{"rbee.v1.SyncReply"}
	bad := []*remote.MessageBatch{
		{TypeNames: reply, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: good, Target: 7}}},
		{TypeNames: reply, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: good, Target: -1}}},
		{TypeNames: reply, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: good, TypeId: 3}}},
		{TypeNames: reply, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: good, Sender: 2}}},
		{TypeNames: reply, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: good, SerializerId: 9}}},
		{TypeNames: reply, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: []byte{0xff, 0xff}}}},
		{TypeNames: []string{"no.such.Type"}, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: good}}},
		{TypeNames: []string{"remote.ActorPidRequest"}, Targets: link, Envelopes: []*remote.MessageEnvelope{{}}},
		{TypeNames: reply, Targets: []*actor.PID{{Address: "keeper.1", Id: LinkPrefix + hostile}}, Envelopes: []*remote.MessageEnvelope{{MessageData: good}}},
	}
	for _, b := range bad {
		batch(b)
	}
	batch(&remote.MessageBatch{TypeNames: reply, Targets: link, Envelopes: []*remote.MessageEnvelope{{MessageData: good}}})
	h.only(t, 9)
	if n := h.refusals(); n != len(bad) {
		t.Errorf("%d refusals, want %d: %q", n, len(bad), h.refused)
	}
}

func TestAStreamInAnothersNameIsClosed(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		target, origin string
		service        Service
	}{
		{owner, sibling, ServiceActors},
		{owner, owner, ServiceActors},
		{sibling, hostile, ServiceActors},
		{hostile, hostile, ServiceActors},
		{owner, hostile, ServiceAPI},
	} {
		y, err := h.hostile.next(owner)
		if err != nil {
			t.Fatal(err)
		}
		s, err := y.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		if err := (preamble{c.service, c.target, c.origin}).write(s); err != nil {
			t.Fatal(err)
		}
		_ = s.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := s.Read(make([]byte, 1)); n != 0 || err == nil || err.Error() == "i/o deadline reached" {
			t.Errorf("to %s as %s: %d bytes, %v, want it closed", c.target, c.origin, n, err)
		}
	}
	if n := h.refusals(); n != 5 {
		t.Errorf("%d refusals, want 5: %q", n, h.refused)
	}
}

func TestAStrangerAtTheBellIsDropped(t *testing.T) {
	h := newHouse(t)
	c, err := net.Dial("tcp", h.owner.bell.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write(make([]byte, 40))
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	h.hostile.remote.SendMessage(actor.NewPID(owner, LinkPrefix+hostile), nil, &messages.SyncReply{Number: 1}, nil, -1)
	h.only(t, 1)
}
