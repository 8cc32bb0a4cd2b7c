package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"rbee/internal/fault"
	"rbee/internal/keepalive"
)

// Parse reads the text of a config file; path is only for its errors.
func Parse(path string, text []byte) (*File, error) {
	var doc map[string]any
	if err := toml.Unmarshal(text, &doc); err != nil {
		return nil, syntaxFault(path, err)
	}
	r := &reader{path: path, index: indexed(text)}
	f := &File{Path: path, Nodes: map[string]Node{}, Models: map[string]string{}, KeepAlive: map[string]time.Duration{}}
	r.fields(nil, doc, f.fields())
	return f, r.first()
}

// fields are the keys of the file. A later key is a line here.
func (f *File) fields() fields {
	return fields{
		"queen":          queenTable(&f.Queen),
		"default_node":   text(&f.DefaultNode, nodesProblem),
		"default_worker": text(&f.DefaultWorker, workerProblem),
		"nodes": each(func(r *reader, k key, v any) {
			name := k[len(k)-1]
			if allowed := NodeNameProblem(name); allowed != "" {
				r.wrongName(k, allowed)
				return
			}
			if n, ok := r.node(k, v); ok {
				f.Nodes[name] = n
			}
		}),
		"keep_alive": each(func(r *reader, k key, v any) {
			d, err := keepalive.Parse(fmt.Sprint(v)) // a text, or a number of seconds
			if err != nil {
				r.wrong(k, shown(v), keepalive.Allowed)
				return
			}
			f.KeepAlive[k[len(k)-1]] = d
		}),
		"models": each(func(r *reader, k key, v any) {
			name := k[len(k)-1]
			if !nodeName.MatchString(name) {
				r.wrongName(k, nodeNameAllowed)
				return
			}
			var ref string
			text(&ref, modelProblem)(r, k, v)
			f.Models[name] = ref
		}),
	}
}

const maxWeight = 1000

// node reads [nodes.NAME].
func (r *reader) node(k key, v any) (Node, bool) {
	n := Node{Weight: 1}
	doc, ok := r.table(k, v)
	if !ok {
		return n, false
	}
	r.fields(k, doc, fields{
		"host":       text(&n.Host, hostProblem),
		"port":       number(&n.Port, 1, 65535),
		"user":       text(&n.User, userProblem),
		"identity":   texts(&n.Identity, pathProblem, 16, true),
		"jump":       text(&n.Jump, jumpProblem),
		"command":    texts(&n.Command, argProblem, 256, false),
		"models_dir": text(&n.ModelsDir, pathProblem),
		"cache_dir":  text(&n.CacheDir, pathProblem),
		"devices":    texts(&n.Devices, deviceProblem, 256, false),
		"weight":     fraction(&n.Weight, maxWeight),
	})
	if _, ok := doc["command"]; ok {
		for _, other := range []string{"host", "port", "user", "identity", "jump"} {
			if _, ok := doc[other]; ok {
				r.problem(r.index.keys[k.with(other).id()], "%s and %s are both set, allowed is one of them", k.with("command"), k.with(other)).
					WithHint("command is how the node is reached, instead of ssh: write host, port and keys into it").
					With("field", k.with(other).String())
			}
		}
		if len(n.Command) > 0 && n.Command[0] == "" {
			r.wrong(k.with("command", element(0)), "empty", "a program")
		}
	}
	return n, true
}

// syntaxFault is the error of a document that is no TOML.
func syntaxFault(path string, err error) error {
	where := path
	f := fault.Wrap(fault.InvalidRequest, err, "")
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, column := at.Position()
		where = fmt.Sprintf("%s:%d:%d", path, line, column)
		f.With("line", line).With("column", column)
	}
	f.Message = where + ": " + shortened(strings.TrimPrefix(err.Error(), "toml: "), 300)
	return f.WithHint("the file is TOML: texts are in quotes, a node begins with [nodes.NAME]").With("path", path)
}

// reader walks a document and collects what is wrong with it.
type reader struct {
	path     string
	index    index
	problems []problem
}

type problem struct {
	at    int
	fault *fault.Error
}

// problem notes an error at an offset; the caller adds to it.
func (r *reader) problem(at int, format string, args ...any) *fault.Error {
	line, column := r.index.line(at)
	f := fault.New(fault.InvalidRequest, "%s:%d:%d: %s", r.path, line, column, fmt.Sprintf(format, args...)).
		With("path", r.path).With("line", line).With("column", column)
	r.problems = append(r.problems, problem{at, f})
	return f
}

// wrong notes a value that is not allowed.
func (r *reader) wrong(k key, value, allowed string) {
	at, ok := r.index.values[k.id()]
	if !ok { // a table has no value, only a header
		at = r.index.keys[k.id()]
	}
	r.problem(at, "%s is %s, allowed is %s", k, value, allowed).
		WithHint("edit the file").With("field", k.String()).With("value", value).With("allowed", allowed)
}

// wrongName notes a key that is not allowed where the user may choose one.
func (r *reader) wrongName(k key, allowed string) {
	name := k[len(k)-1]
	r.problem(r.index.keys[k.id()], "the name %q in %s is not allowed, allowed is %s", shortened(name, 80), k[:len(k)-1], allowed).
		WithHint("choose another name").With("value", name).With("allowed", allowed)
}

// first returns the problem that comes first in the file, or nil.
func (r *reader) first() error {
	if len(r.problems) == 0 {
		return nil
	}
	first := slices.MinFunc(r.problems, func(a, b problem) int { return a.at - b.at })
	if n := len(r.problems); n > 1 {
		first.fault.With("problems", n)
	}
	return first.fault
}
