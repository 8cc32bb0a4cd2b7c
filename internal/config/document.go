package config

import (
	"bytes"
	"maps"
	"reflect"
	"slices"

	"github.com/pelletier/go-toml/v2/unstable"

	"rbee/internal/fault"
)

// Document is the text of a config file that is being edited. An edit touches the lines of its own entry and no
// other byte; what it did is read again, and must be what was wanted, else the document stays as it was.
type Document struct {
	text []byte
	file *File
}

// NewDocument begins to edit a text, which must be valid; path is only for errors.
func NewDocument(path string, text []byte) (*Document, error) {
	f, err := Parse(path, text)
	if err != nil {
		return nil, err
	}
	return &Document{text, f}, nil
}

// Bytes is the document as it is to be written.
func (d *Document) Bytes() []byte { return d.text }

// File is what the document says.
func (d *Document) File() *File { return d.file }

// AddNode appends [nodes.NAME], apart by one blank line. A document without a newline at its end stays without.
func (d *Document) AddNode(name string, n Node) error {
	if allowed := NodeNameProblem(name); allowed != "" {
		return fault.New(fault.InvalidRequest, "the name of a node is %s, allowed is %s", shown(name), allowed).
			WithHint("choose another name").With("value", name).With("allowed", allowed)
	}
	top := key{"nodes", name}
	for _, p := range layout(d.text) {
		if p.key.within(top) {
			return fault.New(fault.InvalidRequest, "node %s is in %s already", name, d.at(p.from)).
				WithHint("remove it first with rbee node rm %s, or edit the file", name).With("path", d.file.Path)
		}
	}
	if err := d.noInlineNodes("add " + name + " to it"); err != nil {
		return err
	}
	n = n.normal()
	want := d.file.copy()
	want.Nodes[name] = n

	nl := newline(d.text)
	entry := n.written(name, nl)
	switch {
	case len(d.text) == 0:
		entry += nl
	case d.text[len(d.text)-1] == '\n':
		entry = nl + entry + nl
	default:
		entry = nl + nl + entry
	}
	return d.become(slices.Concat(d.text, []byte(entry)), want)
}

// RemoveNode takes a node's table out, with the comment lines directly above it, those directly below its last line
// and the blank line that kept it apart. A default_node stays.
func (d *Document) RemoveNode(name string) error {
	if _, ok := d.file.Nodes[name]; !ok {
		return d.file.UnknownNode(name)
	}
	if err := d.noInlineNodes("take " + name + " out of it"); err != nil {
		return err
	}
	want := d.file.copy()
	delete(want.Nodes, name)
	text := d.text
	for {
		rest, found := withoutFirst(text, key{"nodes", name})
		if !found {
			return d.become(text, want)
		}
		text = rest
	}
}

// withoutFirst cuts out the first table, or key = value, that is within top.
func withoutFirst(text []byte, top key) (rest []byte, found bool) {
	parts := layout(text)
	i := slices.IndexFunc(parts, func(p part) bool { return p.key.within(top) })
	if i < 0 {
		return text, false
	}
	from, to := commentsAbove(parts, i), parts[i].to
	if !parts[i].header() {
		return cut(text, from, to), true
	}
	last := i
	for j := i + 1; j < len(parts) && !parts[j].header(); j++ {
		if parts[j].kind == unstable.KeyValue {
			last = j
		}
	}
	to = commentsBelow(parts, last)
	if above := blankAbove(text, from); above < from || from > 0 {
		from = above
	} else {
		to = blankBelow(text, to)
	}
	return cut(text, from, to), true
}

// cut takes whole lines out. Where the last line goes and had no newline, the one before gets to be without.
func cut(text []byte, from, to int) []byte {
	if to == len(text) && to > from && text[to-1] != '\n' && from > 0 {
		from-- // the newline
		if from > 0 && text[from-1] == '\r' {
			from--
		}
	}
	return slices.Concat(text[:from], text[to:])
}

// noInlineNodes refuses nodes = { ... }: a value on one line has no lines to add or take.
func (d *Document) noInlineNodes(purpose string) error {
	for _, p := range layout(d.text) {
		if p.kind == unstable.KeyValue && slices.Equal(p.key, key{"nodes"}) {
			return fault.New(fault.InvalidRequest, "%s: nodes = {...} is one value, cannot %s", d.at(p.from), purpose).
				WithHint("edit the file by hand, or give each node a table of its own: [nodes.NAME]").With("path", d.file.Path)
		}
	}
	return nil
}

// become takes the new text if it says what is wanted.
func (d *Document) become(text []byte, want *File) error {
	got, err := Parse(d.file.Path, text)
	if err == nil && !reflect.DeepEqual(got, want) {
		err = fault.New(fault.InvalidRequest, "the edited file would not say what it should")
	}
	if err != nil {
		return fault.Wrap(fault.InvalidRequest, err, "cannot edit %s: %v", d.file.Path, err).
			WithHint("nothing was changed; edit the file by hand").With("path", d.file.Path)
	}
	d.text, d.file = bytes.Clone(text), got
	return nil
}

// at is path:line.
func (d *Document) at(offset int) string {
	return place(d.file.Path, bytes.Count(d.text[:offset], []byte("\n"))+1)
}

func (f *File) copy() *File {
	c := *f
	c.Nodes = maps.Clone(f.Nodes)
	return &c
}
