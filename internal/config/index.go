package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2/unstable"
)

// key is where in a document a value is: nodes, mac, port. An element of a list is "[2]".
type key []string

// id makes a key something to look up.
func (k key) id() string { return fmt.Sprintf("%q", []string(k)) }

// with returns k and more, without touching k.
func (k key) with(more ...string) key { return append(k[:len(k):len(k)], more...) }

// String is the key as one would write it: nodes."mac.local".port
func (k key) String() string {
	var b strings.Builder
	for i, part := range k {
		if i > 0 && !strings.HasPrefix(part, "[") {
			b.WriteByte('.')
		}
		b.WriteString(written(part))
	}
	return b.String()
}

// index says where every key and value of a document begins.
type index struct {
	text   []byte
	keys   map[string]int // by id: the offset of the key itself, or of the header it is first seen in
	values map[string]int
}

// indexed reads a document that the TOML library has accepted.
func indexed(text []byte) index {
	x := index{text, map[string]int{}, map[string]int{}}
	var p unstable.Parser
	p.Reset(text)
	var table key
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = x.path(nil, e)
		case unstable.KeyValue:
			x.keyValue(table, e)
		}
	}
	return x
}

// path notes the key of a header or of a key = value, and returns it.
func (x *index) path(base key, e *unstable.Node) key {
	k := base
	for it := e.Key(); it.Next(); {
		part := it.Node()
		k = k.with(string(part.Data))
		note(x.keys, k, int(part.Raw.Offset))
	}
	return k
}

func (x *index) keyValue(base key, e *unstable.Node) {
	k := x.path(base, e)
	x.value(k, e.Value(), valueStart(x.text, e))
}

func (x *index) value(k key, v *unstable.Node, at int) {
	note(x.values, k, at)
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				x.keyValue(k, it.Node())
			}
		}
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); {
			e := it.Node()
			if e.Kind == unstable.Comment {
				continue
			}
			if e.Raw.Length > 0 {
				at = int(e.Raw.Offset)
			}
			x.value(k.with(element(i)), e, at)
			i++
		}
	}
}

func note(m map[string]int, k key, at int) {
	if _, ok := m[k.id()]; !ok {
		m[k.id()] = at
	}
}

// line returns the line and column of an offset, both from 1, the column in characters.
func (x *index) line(at int) (line, column int) {
	before := x.text[:at]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}
