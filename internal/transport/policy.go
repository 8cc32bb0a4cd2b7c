package transport

import (
	"context"
	"fmt"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Names of the actors that others may address.
const (
	RootID       = "root"    // a process's root actor; its owner and the owner's owners may speak to it
	LinkPrefix   = "link/"   // link/<child's address>: the owner's side of a link; only that child may speak to it
	StreamPrefix = "stream/" // stream/<128 random bits>: a reply stream; the name is the capability
)

// gate checks everything that arrives from another process, before the actor library sees it. It is not optional:
// one envelope with a bad index, an unknown type or an unknown serializer, and any unary call, would end this
// process; and the library believes a Terminated, a Stop or a PoisonPill from the wire.
//
// What is not allowed is dropped, and the stream goes on: ending it would tell the peer nothing and lose what is
// allowed.
type gate struct {
	address string
	refused func(from, why string)
}

func (g gate) unary(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
	return nil, status.Error(codes.PermissionDenied, "no unary calls") // the library's handlers panic
}

func (g gate) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) (err error) {
	p, _ := peer.FromContext(ss.Context())
	o, ok := p.AuthInfo.(Origin)
	if !ok {
		return status.Error(codes.Unauthenticated, "not from a link")
	}
	defer func() {
		if r := recover(); r != nil { // gRPC does not recover
			g.refused(o.Address, fmt.Sprintf("a message that made the reader panic: %v", r))
			err = status.Error(codes.Internal, "bad message")
		}
		if err == nil { // nil would be end-of-file at the peer, which then notices nothing and sends into a hole
			err = status.Error(codes.Unavailable, "stream over")
		}
	}()
	return h(srv, &gated{ss, g, o.Address})
}

type gated struct {
	grpc.ServerStream
	gate
	from string
}

func (s *gated) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	rm, ok := m.(*remote.RemoteMessage)
	if !ok {
		return status.Error(codes.PermissionDenied, "not a remote message")
	}
	switch t := rm.MessageType.(type) {
	case *remote.RemoteMessage_ConnectRequest:
		if c := t.ConnectRequest.GetServerConnection(); c == nil || c.Address != s.from {
			s.refused(s.from, "a connection in the name of "+c.GetAddress())
			return status.Error(codes.PermissionDenied, "not your name")
		}
	case *remote.RemoteMessage_MessageBatch:
		b := t.MessageBatch
		keep := b.Envelopes[:0]
		for _, e := range b.Envelopes {
			if why := s.allow(s.from, b, e); why != "" {
				s.refused(s.from, why)
				continue
			}
			keep = append(keep, e)
		}
		b.Envelopes = keep
	default:
		return status.Error(codes.PermissionDenied, "not a message")
	}
	return nil
}

// allow returns "" or why an envelope is dropped. First its structure, since the library indexes without a check;
// then its type; then who may say it to whom.
func (g gate) allow(from string, b *remote.MessageBatch, e *remote.MessageEnvelope) string {
	if e == nil || e.SerializerId != 0 || e.TypeId < 0 || int(e.TypeId) >= len(b.TypeNames) ||
		e.Target < 0 || int(e.Target) >= len(b.Targets) || b.Targets[e.Target] == nil ||
		e.Sender < 0 || int(e.Sender) > len(b.Senders) || e.Sender > 0 && b.Senders[e.Sender-1] == nil {
		return "a malformed envelope"
	}
	name, target := b.TypeNames[e.TypeId], b.Targets[e.Target]
	rule, known := rules[name]
	if !known || target.Address != g.address {
		return fmt.Sprintf("%.80s to %.80s at %.80s", name, target.Id, target.Address)
	}
	if err := decodes(rule.new, e.MessageData); err != nil {
		return fmt.Sprintf("%s that is none: %v", name, err)
	}
	to := classOf(target.Id, from)
	if !Within(from, g.address) { // an owner, or an owner's owner: it may speak for anybody, but only to the root
		if to == toRoot && rule.down {
			return ""
		}
		return fmt.Sprintf("%s from above to %.80s", name, target.Id)
	}
	if e.Sender > 0 && !Within(b.Senders[e.Sender-1].Address, from) {
		return "a sender at " + b.Senders[e.Sender-1].Address
	}
	if name == "actor.Terminated" {
		if why := g.terminated(from, e.MessageData); why != "" {
			return why
		}
	}
	if to == toLink && rule.link || to == toStream && rule.stream {
		return ""
	}
	return fmt.Sprintf("%s to %.80s", name, target.Id)
}

// terminated: a process may announce only deaths of its own.
func (g gate) terminated(from string, data []byte) string {
	var t actor.Terminated
	if proto.Unmarshal(data, &t) != nil || t.Who == nil || !Within(t.Who.Address, from) {
		return "a Terminated about somebody else"
	}
	return ""
}

type class int

const (
	toOther class = iota
	toRoot
	toLink
	toStream
)

func classOf(id, from string) class {
	switch {
	case id == RootID:
		return toRoot
	case id == LinkPrefix+from:
		return toLink
	case strings.HasPrefix(id, StreamPrefix):
		return toStream
	}
	return toOther
}
