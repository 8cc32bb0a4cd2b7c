package queen

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"rbee/internal/registry"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// nowhere is a machine that takes for ever to reach.
type nowhere struct{}

func (nowhere) Start(ctx context.Context, _ supervisor.Command) (supervisor.Process, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Two hives under one address: the queen knew of one, and the other was what goleak finds here.
func TestARequestBeforeBeginStartsNoSecondHive(t *testing.T) {
	ep, err := transport.NewEndpoint("queen.1", transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ep.Close)
	client := ep.System.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	leaks := goleak.IgnoreCurrent()
	cfg := Config{Address: "queen.1", Ephemeral: true, Tracer: noop.Tracer{},
		Nodes: func(string) ([]Node, error) { return []Node{{Name: "n", Spawner: nowhere{}}}, nil }}
	done := make(chan *messages.Stopped, 1)
	pid, err := Spawn(Options{Config: cfg, Endpoint: ep, Registry: registry.New(), Board: &Board{}, Tell: func(proto.Message) {},
		Spans: func() []byte { return nil }, Pre: Prestart(context.Background(), cfg, &messages.Prestart{Node: "n", Model: &messages.ModelRef{}}),
		Done: func(m *messages.Stopped) { done <- m }})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []any{submit{g: &messages.Generate{Id: "r", Node: "n"}, to: client}, Begin{}, Stop{Cause: "test"}} {
		ep.System.Root.Send(pid, m)
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the queen did not stop")
	}
	goleak.VerifyNone(t, leaks)
}
