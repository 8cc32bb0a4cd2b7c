package transport

import (
	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/messages"
)

// rule says where messages of one type may go.
type rule struct {
	new    func() proto.Message
	down   bool // from an owner to a root below it
	link   bool // from a child to its own link at its owner
	stream bool // from anybody below to a reply stream whose name it knows
}

// rules is everything that may cross a process. What is not listed is dropped on arrival: above all Stop,
// PoisonPill, Failure and the messages of the library's own actors.
var rules = table(
	rule{down: true, new: of[messages.Generate]()},
	rule{down: true, new: of[messages.Survey]()},
	rule{down: true, new: of[messages.Cancel]()},
	rule{down: true, new: of[messages.Credit]()},
	rule{down: true, new: of[messages.Stalled]()},
	rule{down: true, new: of[messages.StopWorkers]()},
	rule{down: true, new: of[messages.Shutdown]()},
	rule{down: true, new: of[messages.Sync]()},
	rule{down: true, new: of[messages.Answer]()},
	rule{down: true, new: of[messages.FlushSpans]()},
	rule{down: true, new: of[actor.Watch]()},
	rule{down: true, new: of[actor.Unwatch]()},

	rule{link: true, new: of[messages.Ready]()},
	rule{link: true, new: of[messages.Stopping]()},
	rule{link: true, new: of[messages.Stopped]()},
	rule{link: true, new: of[messages.SyncReply]()},
	rule{link: true, new: of[messages.Inventory]()},
	rule{link: true, new: of[messages.Ask]()},
	rule{link: true, new: of[messages.Ended]()},
	rule{link: true, new: of[messages.Spans]()},
	rule{link: true, new: of[messages.SpansFlushed]()},
	rule{link: true, new: of[messages.HiveState]()},
	rule{link: true, new: of[messages.Loading]()},
	rule{link: true, new: of[messages.Loaded]()},
	rule{link: true, new: of[messages.LoadFailed]()},
	rule{link: true, new: of[messages.Released]()},
	rule{link: true, new: of[messages.Offer]()},
	rule{link: true, new: of[actor.Terminated]()},

	rule{stream: true, new: of[messages.Queued]()},
	rule{stream: true, new: of[messages.Accepted]()},
	rule{stream: true, new: of[messages.Prefill]()},
	rule{stream: true, new: of[messages.Tokens]()},
	rule{stream: true, new: of[messages.Done]()},
	rule{stream: true, new: of[messages.Failed]()},
	rule{stream: true, link: true, new: of[messages.Narration]()},
)

func of[T any, P interface {
	*T
	proto.Message
}]() func() proto.Message {
	return func() proto.Message { return P(new(T)) }
}

func table(rs ...rule) map[string]rule {
	m := map[string]rule{}
	for _, r := range rs {
		m[string(proto.MessageName(r.new()))] = r
	}
	return m
}

// decodes says why data is not a message of that type: the library would end the stream over it.
func decodes(fresh func() proto.Message, data []byte) error {
	return proto.Unmarshal(data, fresh())
}
