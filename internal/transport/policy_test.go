package transport

import (
	"context"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"rbee/internal/testkit"
	"rbee/messages"
)

func TestMain(m *testing.M) {
	testkit.VerifyNoLeaks(m.Run(), patience, goleak.IgnoreTopFunction("testing.(*F).Fuzz.func1"))
}

// wire is a stream on which these bytes arrive.
type wire struct {
	grpc.ServerStream
	bytes []byte
}

func (w wire) RecvMsg(m any) error      { return proto.Unmarshal(w.bytes, m.(proto.Message)) }
func (w wire) Context() context.Context { return context.Background() }

// Whatever a hostile peer sends: what gets past the gate cannot make the library index out of range, look up an
// unknown type, or speak to an actor that this peer may not speak to.
func FuzzPolicy(f *testing.F) {
	add := func(b *remote.MessageBatch) {
		data, err := proto.Marshal(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: b}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, true)
		f.Add(data, false)
	}
	one := []*remote.MessageEnvelope{{}}
	for name := range rules {
		for _, id := range []string{RootID, LinkPrefix + theWorker, StreamPrefix + "x", "activator"} {
			add(&remote.MessageBatch{TypeNames: []string{name}, Targets: []*actor.PID{{Address: theHive, Id: id}}, Envelopes: one})
		}
	}
	dead, _ := proto.Marshal(&actor.Terminated{Who: &actor.PID{Address: theWorker, Id: RootID}})
	add(&remote.MessageBatch{TypeNames: []string{"actor.Terminated"}, Targets: []*actor.PID{{Address: theHive, Id: LinkPrefix + theWorker}},
		Senders: []*actor.PID{{Address: theWorker, Id: "x"}}, Envelopes: []*remote.MessageEnvelope{{MessageData: dead, Sender: 1}}})
	for _, e := range []*remote.MessageEnvelope{{Sender: -1}, {Sender: 1}, {Target: -1}, {Target: 1}, {TypeId: -1}, {TypeId: 1}, {SerializerId: -1}, {SerializerId: 1}} {
		add(&remote.MessageBatch{TypeNames: []string{"rbee.v1.Ready"}, Targets: []*actor.PID{{Address: theHive, Id: LinkPrefix + theWorker}},
			Envelopes: []*remote.MessageEnvelope{e}})
	}
	f.Fuzz(func(t *testing.T, data []byte, below bool) {
		from := theQueen
		if below {
			from = theWorker
		}
		refused := 0
		s := &gated{wire{bytes: data}, gate{theHive, func(string, string) { refused++ }}, from}
		var sent, m remote.RemoteMessage
		if s.RecvMsg(&m) != nil || proto.Unmarshal(data, &sent) != nil {
			return
		}
		switch {
		case m.GetConnectRequest() != nil:
			if m.GetConnectRequest().GetServerConnection().GetAddress() != from {
				t.Errorf("a connection in the name of %v", m.GetConnectRequest())
			}
		case m.GetMessageBatch() != nil:
			b := m.GetMessageBatch()
			if len(b.Envelopes)+refused != len(sent.GetMessageBatch().GetEnvelopes()) {
				t.Errorf("%d envelopes came, %d pass, %d were refused", len(sent.GetMessageBatch().GetEnvelopes()), len(b.Envelopes), refused)
			}
			for _, e := range b.Envelopes {
				passes(t, from, b, e)
			}
		default:
			t.Errorf("%v passes", &m)
		}
	})
}

// passes says in other words than the gate what may pass.
func passes(t *testing.T, from string, b *remote.MessageBatch, e *remote.MessageEnvelope) {
	name, to := b.TypeNames[e.TypeId], b.Targets[e.Target] // no check, just as the library
	m, err := remote.Deserialize(e.MessageData, name, e.SerializerId)
	if err != nil {
		t.Errorf("%s cannot be read: %v", name, err)
	}
	switch m.(type) {
	case *actor.Stop, *actor.PoisonPill, *actor.Touch, *remote.ActorPidRequest:
		t.Errorf("%s passes", name)
	case *messages.Shutdown, *messages.Generate, *actor.Watch:
		if from != theQueen || to.Id != RootID {
			t.Errorf("%s passes from %s to %s", name, from, to.Id)
		}
	}
	if to.Address != theHive || from == theQueen && to.Id != RootID ||
		from == theWorker && to.Id != LinkPrefix+theWorker && !strings.HasPrefix(to.Id, StreamPrefix) {
		t.Errorf("%s passes from %s to %v", name, from, to)
	}
	if d, ok := m.(*actor.Terminated); ok && !Within(d.Who.Address, theWorker) {
		t.Errorf("%s says that %v is dead", from, d.Who)
	}
	if e.Sender == 0 {
		return
	}
	if sender := b.Senders[e.Sender-1]; from == theWorker && !Within(sender.Address, theWorker) {
		t.Errorf("%s passes in the name of %v", name, sender)
	}
}
