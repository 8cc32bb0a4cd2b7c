package queen

import (
	"context"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"rbee/internal/gateway"
	"rbee/internal/registry"
	"rbee/internal/transport"
	"rbee/messages"
)

// newTestStream is a reply stream in an actor system of its own, whose queen does not exist.
func newTestStream(t *testing.T) *stream {
	t.Helper()
	ep, err := transport.NewEndpoint("queen.1", transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ep.Close)
	b := NewBackend(Options{Config: Config{Ingest: func([]byte) {}}, Endpoint: ep, Registry: registry.New()}, ep.System.Root.ActorSystem().NewLocalPID("nobody"), nil, nil)
	s, err := newStream(b, &messages.Generate{Id: "r"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// next names what the client gets, in order, to the end of the stream.
func next(t *testing.T, s *stream, n int) (got []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range n {
		e, err := s.Next(ctx)
		switch {
		case err == io.EOF:
			return append(got, "end")
		case err != nil:
			t.Fatalf("%v after %v", err, got)
		default:
			got = append(got, describe(e))
		}
	}
	return got
}

func describe(e gateway.Event) string {
	switch {
	case e.Narration != nil:
		return "said " + e.Narration.GetText()
	case e.Accepted != nil:
		return "accepted"
	case e.Tokens != nil:
		return e.Tokens.GetPieces()[0]
	case e.Done != nil:
		return "done"
	}
	return "?"
}

var (
	accepted = &messages.Accepted{Id: "r", Worker: "queen.1~hive-a.1~worker-0.1"}
	tokens   = &messages.Tokens{Id: "r", Pieces: []string{"hello"}}
	reusing  = &messages.Narration{Source: "rbee-hive", Kind: "ready", Text: "reusing"}
	placed   = &messages.Narration{Source: "rbee-hive", Kind: placedKind}
	finished = &messages.Done{Id: "r", FinishReason: "stop"}
	both     = &messages.Tokens{Id: "r", Pieces: []string{"hello"}, Accepted: accepted}
	whole    = &messages.Done{Id: "r", FinishReason: "stop", Accepted: accepted, Tokens: tokens}
)

func TestTheAnswerDoesNotOvertakeWhatTheHiveSaysBeforeIt(t *testing.T) {
	for name, c := range map[string]struct {
		arrives []proto.Message
		want    []string
	}{
		"in order":           {[]proto.Message{reusing, placed, accepted, tokens, finished}, []string{"said reusing", "accepted", "hello", "done", "end"}},
		"the worker first":   {[]proto.Message{accepted, tokens, reusing, placed, finished}, []string{"said reusing", "accepted", "hello", "done", "end"}},
		"in between":         {[]proto.Message{accepted, reusing, tokens, placed, finished}, []string{"said reusing", "accepted", "hello", "done", "end"}},
		"all of it first":    {[]proto.Message{accepted, tokens, finished, reusing, placed}, []string{"said reusing", "accepted", "hello", "done", "end"}},
		"one message":        {[]proto.Message{reusing, placed, whole}, []string{"said reusing", "accepted", "hello", "done", "end"}},
		"one message, first": {[]proto.Message{whole, reusing, placed}, []string{"said reusing", "accepted", "hello", "done", "end"}},
		"two messages":       {[]proto.Message{both, placed, finished}, []string{"accepted", "hello", "done", "end"}},
		"a hive that is mum": {[]proto.Message{accepted, tokens, finished}, []string{"accepted", "hello", "done", "end"}},
	} {
		s := newTestStream(t)
		for _, m := range c.arrives {
			s.q.system.Root.Send(s.pid, m)
		}
		got := next(t, s, len(c.want))
		for i := range c.want {
			if i >= len(got) || got[i] != c.want[i] {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
				break
			}
		}
	}
}

// A quiet request is told nothing before its answer, so the answer waits for nothing.
func TestAQuietAnswerIsNotHeld(t *testing.T) {
	s := newTestStream(t)
	b := s.q
	quiet, err := newStream(b, &messages.Generate{Id: "r", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	if !quiet.placed {
		t.Error("it waits for a word that does not come")
	}
}

func TestAnAnswerIsNotHeldForLong(t *testing.T) {
	s := newTestStream(t)
	for _, m := range []proto.Message{accepted, tokens} { // and the hive never says its last word
		s.q.system.Root.Send(s.pid, m)
	}
	if got := next(t, s, 2); got[0] != "accepted" || got[1] != "hello" {
		t.Errorf("got %v", got)
	}
}
