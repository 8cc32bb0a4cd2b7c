package archtest

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// rule says: the packages in Who must not import the packages in What, because of Why. A pattern is an import path,
// those of rbee without the leading "rbee/"; with "/..." at its end it means everything below as well. Of "rbee/..."
// all of rbee is meant.
type rule struct {
	who    []string // "..." = every package
	except []string // taken out of who
	what   []string
	but    []string // taken out of what
	why    string
	tests  bool // test files are held to it as well
}

var rules = []rule{
	{
		who: []string{"..."}, except: []string{"cmd/...", "internal/testkit/cmd/fakeworker"},
		what: []string{"actors/..."},
		why:  "actors know each other by messages only; cmd wires them", tests: true,
	}, {
		who: []string{"..."}, except: []string{"cmd/..."},
		what: []string{"cmd/..."},
		why:  "a program is the end of the chain", tests: true,
	}, {
		who:  []string{"..."},
		what: []string{"C", "database/sql/...", "modernc.org/sqlite/...", "go.etcd.io/bbolt/...", "github.com/asynkron/protoactor-go/cluster/..."},
		why:  "no cgo, no database, no gossip: one machine must build for every node, and nothing is kept on disk", tests: true,
	}, {
		who: []string{"..."}, except: []string{"internal/telemetry/...", "cmd/..."},
		what: []string{"go.opentelemetry.io/otel/sdk/...", "go.opentelemetry.io/otel/exporters/...", "go.opentelemetry.io/contrib/exporters/...", "go.opentelemetry.io/proto/..."},
		why:  "who records a span must not know who exports it", tests: true,
	}, {
		who: []string{"..."}, except: []string{"internal/engine/llamacpp/...", "cmd/llm-worker-rbee", "bench/..."},
		what: []string{"internal/engine/llamacpp/..."},
		why:  "native code lives in the worker's process, where its crash is one lost worker", tests: true,
	}, {
		who: []string{"..."}, except: []string{"internal/engine/llamacpp/...", "bench/..."},
		what: []string{"github.com/hybridgroup/yzma/...", "github.com/jupiterrider/ffi/..."},
		why:  "the binding is behind the engine interface, so that another engine can take its place", tests: true,
	}, {
		// The fake engine dies in native code too.
		who: []string{"..."}, except: []string{"internal/engine/llamacpp/...", "internal/engine/enginetest", "bench/..."},
		what: []string{"github.com/ebitengine/purego/..."},
		why:  "who calls native code can die of it", tests: true,
	}, {
		who: []string{"..."}, except: []string{"internal/engine/enginetest/...", "internal/gbnf/gbnftest", "internal/telemetry/telemetrytest", "internal/models/fetch/fetchtest", "internal/testkit/...", "internal/testbed"},
		what: []string{"internal/engine/enginetest/...", "internal/gbnf/gbnftest", "github.com/santhosh-tekuri/jsonschema/...", "internal/telemetry/telemetrytest", "internal/models/fetch/fetchtest", "internal/testkit/...", "internal/testbed", "testing", "pgregory.net/rapid/...", "go.uber.org/goleak/..."},
		why:  "fakes and test tools do not ship",
	}, {
		who:  []string{"actors/worker"},
		what: []string{"internal/engine/..."}, but: []string{"internal/engine"},
		why: "the worker's actor sees an engine, never which",
	}, {
		who: []string{"supervisor"},
		what: []string{"internal/engine/...", "internal/models/...", "internal/gguf/...", "internal/gateway/...", "internal/api/...",
			"internal/registry/...", "internal/place/...", "internal/ui/...", "internal/config/...", "deploy/..."},
		why: "supervision is the same for every child; what a child does is not its business",
	}, {
		who: []string{"internal/transport/...", "internal/proc/..."},
		what: []string{"supervisor/...", "deploy/...", "internal/engine/...", "internal/models/...", "internal/gateway/...", "internal/api/...",
			"internal/registry/...", "internal/place/...", "internal/ui/...", "internal/config/...", "internal/telemetry/..."},
		why: "bytes and processes come below everything that has a meaning",
	}, {
		who: []string{"internal/gateway/..."},
		what: []string{"supervisor/...", "deploy/...", "internal/transport/...", "internal/proc/...", "internal/engine/...", "internal/models/...",
			"internal/gguf/...", "internal/registry/...", "internal/ui/..."},
		why: "the API speaks messages; how the tree is made must be able to change behind it",
	}, {
		who:  []string{"messages"},
		what: []string{"rbee/..."}, but: []string{"internal/fault", "messages"},
		why: "what crosses a process depends on nothing that runs in one",
	}, {
		who:  []string{"internal/fault", "internal/fsm", "internal/near", "internal/version"},
		what: []string{"rbee/..."}, but: []string{"internal/fault", "internal/fsm", "internal/near", "internal/version"},
		why: "everybody imports these",
	}, {
		who: []string{"internal/place", "internal/fsm", "internal/fault", "internal/fit"},
		what: []string{"os/...", "net/...", "time", "sync/...", "context", "math/rand/...", "github.com/asynkron/protoactor-go/...",
			"go.opentelemetry.io/..."},
		why: "a decision is a function of its arguments",
	}, {
		who:  []string{"internal/fit"},
		what: []string{"rbee/..."}, but: []string{"internal/engine", "internal/fault", "internal/gguf", "internal/fit"},
		why: "an estimate needs a header, devices and numbers, not who asks",
	}, {
		who: []string{"..."}, except: []string{"actors/...", "supervisor", "internal/transport/...", "internal/gateway/...", "cmd/...", "bench/...", "internal/testkit/cmd/hostilehive"},
		what: []string{"github.com/asynkron/protoactor-go/..."},
		why:  "what is no actor must be usable, and testable, without them", tests: true,
	}, {
		who: []string{"..."}, except: []string{"supervisor", "internal/transport/...", "internal/telemetry/export", "cmd/...", "bench/..."},
		what: []string{"google.golang.org/grpc/..."},
		why:  "gRPC is how the transport carries actors, and one way to export a trace; nobody else sees it", tests: true,
	}, {
		who: []string{"..."}, except: []string{"internal/transport/...", "bench/..."},
		what: []string{"github.com/hashicorp/yamux/..."},
		why:  "one package knows what a stream is made of",
	}, {
		who: []string{"..."}, except: []string{"internal/config"},
		what: []string{"github.com/pelletier/go-toml/..."},
		why:  "one package knows how the config file is written; the rest sees what it says", tests: true,
	}, {
		who: []string{"..."}, except: []string{"internal/proc/...", "internal/engine/enginelib/...", "deploy/...", "bench/...", "internal/testkit/...", "internal/testbed"},
		what: []string{"os/exec"},
		why:  "whoever starts a process owns it: processes are started where their end is cared for",
	}, {
		who:  []string{"internal/models"},
		what: []string{"internal/models/fetch/...", "net/http"},
		why:  "finding a model never touches the network: a download is handed in as a Fetcher",
	}, {
		who: []string{"internal/models/fetch/..."},
		what: []string{"supervisor/...", "messages", "deploy/...", "internal/transport/...", "internal/proc/...", "internal/engine/...", "internal/gateway/...",
			"internal/api/...", "internal/registry/...", "internal/place/...", "internal/ui/...", "internal/telemetry/..."},
		why: "a download knows the hub and the disk, not who waits for it",
	}, {
		who: []string{"..."}, except: []string{"deploy/..."},
		what: []string{"golang.org/x/crypto/ssh/...", "github.com/skeema/knownhosts/..."},
		why:  "other nodes are reached in one place", tests: true,
	}, {
		who: []string{"deploy/remote", "deploy/sshconfig"}, what: []string{"rbee/...", "net/...", "golang.org/x/crypto/..."},
		why: "what a node is, and what a file says of one, depends on no way to reach it",
	}, {
		who:  []string{"deploy/install", "deploy/remote"},
		what: []string{"golang.org/x/crypto/ssh/...", "os/exec", "net/...", "supervisor/...", "internal/transport/...", "internal/engine/..."},
		why:  "a hive gets to any node that runs commands, however it is reached",
	}, {
		who:  []string{"internal/chat", "internal/schema", "internal/gbnf/..."},
		what: []string{"rbee/...", "os/...", "net/...", "context"}, but: []string{"internal/chat", "internal/fault", "internal/gbnf/...", "internal/schema"},
		why: "what a model reads and may write is a function of texts, in the gateway as in the worker",
	}, {
		who:  []string{"deploy/bundle/..."},
		what: []string{"os/exec", "net/...", "deploy/..."}, but: []string{"deploy/bundle/..."},
		why: "what is sent is files of this machine; whereto is not its business",
	},
}

// breaks reports whether r forbids package from (with rbee/ cut off) to import to.
func (r rule) breaks(from string, test bool, to string) bool {
	to = inside(to)
	return (r.tests || !test) && matches(r.who, from) && !matches(r.except, from) &&
		matches(r.what, to) && !matches(r.but, to) && from != to
}

// inside cuts off the module's name.
func inside(importPath string) string { return strings.TrimPrefix(importPath, "rbee/") }

func matches(patterns []string, p string) bool {
	for _, pattern := range patterns {
		base, all := strings.CutSuffix(pattern, "/...")
		switch {
		case pattern == "...":
			return true
		case pattern == "rbee/...":
			if own(p) {
				return true
			}
		case p == base || all && strings.HasPrefix(p, base+"/"):
			return true
		}
	}
	return false
}

// own reports whether p, with rbee/ cut off, is one of rbee's packages.
func own(p string) bool {
	top, _, _ := strings.Cut(p, "/")
	return slices.Contains(allowed()[:7], top)
}

func TestImportsFollowTheRules(t *testing.T) {
	for _, f := range sources(t) {
		for _, to := range f.imports {
			for _, r := range rules {
				if r.breaks(f.pkg(), f.test(), to) {
					t.Errorf("%s must not import %s: %s", f.path, to, r.why)
				}
			}
		}
	}
}

// A rule that cannot be broken holds nothing: each must forbid at least one import of at least one package.
func TestEveryRuleCanBeBroken(t *testing.T) {
	example := func(patterns, except []string) string {
		p := strings.TrimSuffix(patterns[0], "/...")
		if p == "..." || matches(except, p) {
			return "internal/example"
		}
		return p
	}
	for _, r := range rules {
		from := example(r.who, r.except)
		for _, w := range r.what {
			to := strings.TrimSuffix(w, "/...")
			if w == "rbee/..." {
				to = "internal/example"
			}
			if matches(r.but, to) {
				to = path.Join(to, "example")
			}
			if !r.breaks(from, r.tests, "rbee/"+to) && !r.breaks(from, r.tests, to) {
				t.Errorf("%s may import %s in spite of the rule %q", from, to, r.why)
			}
		}
		if r.why == "" {
			t.Errorf("the rule for %v has no reason", r.who)
		}
	}
}

// What the rules must allow, so that nobody loosens them for the wrong reason.
func TestRulesAllowWhatTheyShould(t *testing.T) {
	for _, c := range []struct {
		from string
		test bool
		to   string
	}{
		{"cmd/rbee", false, "rbee/actors/keeper"},
		{"cmd/llm-worker-rbee", false, "rbee/internal/engine/llamacpp"},
		{"internal/engine/llamacpp", true, "rbee/internal/engine/enginetest"},
		{"internal/telemetry/export", false, "go.opentelemetry.io/otel/sdk/trace"},
		{"actors/queen", false, "go.opentelemetry.io/otel/trace"},
		{"actors/queen", true, "rbee/actors/queen"},
		{"actors/worker", false, "rbee/internal/engine"},
		{"actors/worker", true, "rbee/internal/engine/enginetest"},
		{"messages", false, "rbee/internal/fault"},
		{"supervisor", false, "rbee/messages"},
		{"internal/place", false, "rbee/internal/registry"},
	} {
		for _, r := range rules {
			if r.breaks(c.from, c.test, c.to) {
				t.Errorf("%s may not import %s: %s", c.from, c.to, r.why)
			}
		}
	}
}
