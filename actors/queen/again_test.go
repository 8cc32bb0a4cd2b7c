package queen

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/registry"
	"rbee/internal/transport"
	"rbee/messages"
)

// scene is a reply stream whose queen and worker are the test.
type scene struct {
	t      *testing.T
	s      *stream
	queen  chan any // what the stream says to the queen
	worker chan any // and to its worker
	system *actor.ActorSystem
	got    []gateway.Event
}

func newScene(t *testing.T, g *messages.Generate, stall time.Duration) *scene {
	t.Helper()
	ep, err := transport.NewEndpoint("queen.1", transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ep.Close)
	sc := &scene{t: t, queen: make(chan any, 100), worker: make(chan any, 100), system: ep.System}
	listen := func(name string, to chan any) *actor.PID {
		pid, err := ep.System.Root.SpawnNamed(actor.PropsFromFunc(func(c actor.Context) {
			switch c.Message().(type) {
			case actor.SystemMessage, actor.AutoReceiveMessage:
			default:
				to <- c.Message()
			}
		}), name)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	queen := listen("queen-test", sc.queen)
	listen(transport.RootID, sc.worker) // a worker of this very address
	b := NewBackend(Options{Config: Config{Ingest: func([]byte) {}, Stall: stall}, Endpoint: ep, Registry: registry.New()}, queen, nil, nil)
	if sc.s, err = newStream(b, g); err != nil {
		t.Fatal(err)
	}
	return sc
}

func (sc *scene) say(to *actor.PID, ms ...proto.Message) {
	for _, m := range ms {
		sc.system.Root.Send(to, m)
	}
}

func (sc *scene) accept(to *actor.PID) {
	sc.say(to, placed, &messages.Accepted{Id: "r", Worker: sc.system.Address()})
}

func made(seq int64, first int32, pieces ...string) *messages.Tokens {
	m := &messages.Tokens{Id: "r", Seq: seq, Pieces: pieces}
	for i := range pieces {
		m.Ids = append(m.Ids, first+int32(i))
	}
	return m
}

func broke(code fault.Code, retryable bool) *messages.Failed {
	return &messages.Failed{Id: "r", Retryable: retryable, Error: messages.FromFault(fault.New(code, "worker-0 died"))}
}

// hear waits for something of type T.
func hear[T any](sc *scene, from chan any) (m T) {
	sc.t.Helper()
	for late := time.After(10 * time.Second); ; {
		select {
		case got := <-from:
			if m, ok := got.(T); ok {
				return m
			}
		case <-late:
			sc.t.Fatalf("the stream never said %T", m)
		}
	}
}

// end reads the stream to its end and returns the text that the client has.
func (sc *scene) end() (text string) {
	sc.t.Helper()
	ctx, cancel := context.WithTimeout(sc.t.Context(), 10*time.Second)
	defer cancel()
	for {
		e, err := sc.s.Next(ctx)
		if err == io.EOF {
			return text
		}
		if err != nil {
			sc.t.Fatal(err)
		}
		sc.got = append(sc.got, e)
		text += strings.Join(e.Tokens.GetPieces(), "")
	}
}

func (sc *scene) last() gateway.Event { return sc.got[len(sc.got)-1] }

func TestAnAnswerGoesOnWithAnotherWorker(t *testing.T) {
	sc := newScene(t, &messages.Generate{Id: "r", MaxTokens: 9}, 0)
	first := sc.s.ear.Load()
	sc.accept(first)
	sc.say(first, made(0, 10, "a", "bä"), made(2, 12, "c"), broke(fault.WorkerCrashed, true))
	again := hear[submit](sc, sc.queen)
	if r := again.g.GetResume(); again.was != first || again.to == first || again.g.GetAttempt() != 2 || len(r.GetTokens()) != 3 || r.GetTokens()[2] != 12 || r.GetSentBytes() != 5 {
		t.Fatalf("sent out again as %v", again.g)
	}
	sc.say(first, made(0, 66, "late"), made(3, 67, "later"), &messages.Done{Id: "r", FinishReason: "stop"}) // the old worker is heard no more
	sc.accept(again.to)
	sc.say(again.to, &messages.Tokens{Id: "r", Pieces: []string{"held back"}, Ids: []int32{-1}}, made(1, 13, "d"), broke(fault.WorkerCrashed, true))
	again = hear[submit](sc, sc.queen)
	if r := again.g.GetResume(); len(r.GetTokens()) != 4 || r.GetSentBytes() != 15 || again.g.GetAttempt() != 3 {
		t.Fatalf("sent out again as %v", again.g)
	}
	sc.accept(again.to)
	sc.say(again.to, made(0, 14, "e"), &messages.Done{Id: "r", FinishReason: "stop"})
	if text := sc.end(); text != "abächeld backde" {
		t.Errorf("the client has %q", text)
	}
	if d := sc.last().Done; d.GetContinued() != 2 {
		t.Errorf("done: %v", d)
	}
}

func TestAnAnswerThatBreaksEveryWorkerIsGivenUp(t *testing.T) {
	sc := newScene(t, &messages.Generate{Id: "r", MaxTokens: 9}, 0)
	to := sc.s.ear.Load()
	for range maxContinued {
		sc.accept(to)
		sc.say(to, made(0, 1, "x"), broke(fault.WorkerCrashed, true))
		to = hear[submit](sc, sc.queen).to
	}
	sc.accept(to)
	sc.say(to, broke(fault.WorkerCrashed, true))
	text := sc.end()
	if f := sc.last().Failed; text != "xxxxx" || f == nil || f.Code != fault.WorkerCrashed || f.Message != "worker-0 died after 5 tokens of at most 9" {
		t.Errorf("%q, %+v", text, f)
	}
}

// One that makes no token any more is given up earlier: it costs its model workers.
func TestAnAnswerThatMakesNoHeadwayIsGivenUpEarly(t *testing.T) {
	for _, first := range []string{"", "x"} {
		sc := newScene(t, &messages.Generate{Id: "r"}, 0)
		to := sc.s.ear.Load()
		if first != "" {
			sc.accept(to)
			sc.say(to, made(0, 1, first))
		}
		for range maxFruitless {
			sc.say(to, broke(fault.WorkerCrashed, true))
			to = hear[submit](sc, sc.queen).to
		}
		sc.say(to, broke(fault.WorkerCrashed, true))
		if text := sc.end(); text != first || sc.last().Failed == nil || sc.last().Failed.Code != fault.WorkerCrashed {
			t.Errorf("%q, %+v", text, sc.last())
		}
	}
}

func TestAnAnswerThatFindsNoOtherWorkerSaysWhatBrokeIt(t *testing.T) {
	sc := newScene(t, &messages.Generate{Id: "r"}, 0)
	to := sc.s.ear.Load()
	sc.accept(to)
	sc.say(to, made(0, 1, "x"), broke(fault.NodeLost, true))
	sc.say(hear[submit](sc, sc.queen).to, broke(fault.SSHUnreachable, false))
	sc.end()
	if f := sc.last().Failed; f == nil || f.Code != fault.NodeLost || !strings.Contains(f.Message, "could not go on elsewhere") || !strings.HasSuffix(f.Message, "after 1 tokens") {
		t.Errorf("%+v", f)
	}
}

func TestNoContinueGivesThePlainError(t *testing.T) {
	for name, g := range map[string]*messages.Generate{"asked for": {Id: "r", NoContinue: true}, "ids are not known": {Id: "r"}} {
		sc := newScene(t, g, 0)
		to := sc.s.ear.Load()
		sc.accept(to)
		m := made(0, 1, "x", "y")
		if !g.GetNoContinue() {
			m.Ids = nil
		}
		sc.say(to, m, broke(fault.WorkerCrashed, true))
		if text := sc.end(); text != "xy" || sc.last().Failed == nil || !strings.HasSuffix(sc.last().Failed.Message, "died after 2 tokens") {
			t.Errorf("%s: %q, %+v", name, text, sc.last().Failed)
		}
	}
}

func TestAStalledAnswerGoesOn(t *testing.T) {
	sc := newScene(t, &messages.Generate{Id: "r"}, 50*time.Millisecond)
	to := sc.s.ear.Load()
	sc.accept(to)
	sc.say(to, made(0, 1, "x"))
	for { // a client that reads: else the silence is the client's
		e, err := sc.s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if e.Tokens != nil {
			sc.s.Flushed(1)
			break
		}
	}
	hear[stalled](sc, sc.queen)
	sc.say(to, broke(fault.WorkerStalled, true))
	again := hear[submit](sc, sc.queen)
	sc.accept(again.to)
	sc.say(again.to, made(0, 2, "y"), &messages.Done{Id: "r", FinishReason: "stop"})
	if text := sc.end(); text != "y" || sc.last().Done.GetContinued() != 1 {
		t.Errorf("%q, %+v", text, sc.last())
	}
}

// What the client reads while nobody answers is credit for who answers next.
func TestCreditSurvivesALostWorker(t *testing.T) {
	sc := newScene(t, &messages.Generate{Id: "r"}, 0)
	to := sc.s.ear.Load()
	sc.accept(to)
	sc.say(to, made(0, 1, make([]string, 600)...), broke(fault.WorkerCrashed, true))
	again := hear[submit](sc, sc.queen)
	if c := again.g.GetCredit(); c != firstCredit-600 {
		t.Errorf("the next worker gets %d", c)
	}
	sc.s.Flushed(600)
	sc.accept(again.to)
	if c := hear[*messages.Credit](sc, sc.worker); c.GetPieces() != 600 {
		t.Errorf("and then %v", c)
	}
}

// A cancel that is on its way while the answer changes hands is not lost.
func TestACancelReachesTheNextWorker(t *testing.T) {
	sc := newScene(t, &messages.Generate{Id: "r"}, 0)
	to := sc.s.ear.Load()
	sc.accept(to)
	sc.say(to, made(0, 1, "x"), broke(fault.WorkerCrashed, true))
	again := hear[submit](sc, sc.queen)
	sc.system.Root.Send(to, cancelThis{fault.New(fault.Cancelled, "by the client")}) // to the old ear
	hear[cancelID](sc, sc.queen)
	sc.accept(again.to)
	hear[*messages.Cancel](sc, sc.worker)
	sc.say(again.to, &messages.Done{Id: "r", FinishReason: "cancelled"})
	if sc.end(); sc.last().Failed == nil || sc.last().Failed.Code != fault.Cancelled {
		t.Errorf("%+v", sc.last())
	}
}
