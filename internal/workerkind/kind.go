package workerkind

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"rbee/internal/fault"
)

// Usual is the kind of a request that names none, and its program.
const (
	Usual        = "llama.cpp"
	UsualProgram = Prefix + "rbee"
	Prefix       = "llm-worker-" // of every worker's program
)

// Kind is what a worker's program says of itself.
type Kind struct {
	Name     string   `json:"name"`     // as --worker takes it
	Version  string   `json:"version"`  // of its build
	Engine   string   `json:"engine"`   // what computes in it, with its release: "llama.cpp v0.4.0"
	Backends []string `json:"backends"` // that it could run on here, "cpu" first
	Program  string   `json:"program"`  // its file's name; the hive fills it in
	Error    string   `json:"error,omitempty"`
}

// Named is the kind behind a name; "" is the usual one.
func Named(name string) string { return cmp.Or(name, Usual) }

// Same says whether two names mean one kind.
func Same(a, b string) bool { return Named(a) == Named(b) }

// Name is what a kind may be called.
var Name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Check says what is wrong with a program's own word; nil if nothing is.
func (k Kind) Check() error {
	if !Name.MatchString(k.Name) {
		return fault.New(fault.WorkerStartFailed, "its name is %.70q, allowed are letters, digits, dot, dash and underscore, 64 at most", k.Name)
	}
	if len(k.Version) > 200 || len(k.Engine) > 200 || len(k.Backends) > 16 || slices.ContainsFunc(k.Backends, func(b string) bool { return !Name.MatchString(b) }) {
		return fault.New(fault.WorkerStartFailed, "it says too much of itself")
	}
	return nil
}

// Unknown is the error for a kind that a node does not have.
func Unknown(name string, have []Kind) *fault.Error {
	var names, broken []string
	for _, k := range have {
		if k.Error == "" {
			names = append(names, k.Name)
		} else {
			broken = append(broken, k.Program+": "+k.Error)
		}
	}
	f := fault.New(fault.InvalidRequest, "no worker %.70q here: there is %s", name, strings.Join(names, ", ")).
		WithHint("leave out --worker, or choose one of those").With("field", "worker").With("worker", name).With("available", names)
	if len(broken) > 0 {
		f.WithHint("leave out --worker, or choose one of those; not asked could be %s", strings.Join(broken, "; "))
	}
	return f
}
