package config

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"rbee/internal/fault"
)

func document(t *testing.T, text string) *Document {
	t.Helper()
	d, err := NewDocument("c", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAnAddedNodeIsWrittenAsPeopleWriteIt(t *testing.T) {
	d := document(t, "# mine\ndefault_node = 'a' # why\n")
	err := d.AddNode("mac.local", Node{Host: "10.0.0.7", Port: 2222, User: "me", Identity: []string{"~/.ssh/a"}, Jump: "bastion",
		ModelsDir: `/m "x"\y`, Devices: []string{"metal", "cpu"}, Weight: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.AddNode("box", Node{Command: []string{"sh", "-c", "exec ssh box\t\u0001\n"}}); err != nil {
		t.Fatal(err)
	}
	want := `# mine
default_node = 'a' # why

[nodes."mac.local"]
host = "10.0.0.7"
port = 2222
user = "me"
identity = "~/.ssh/a"
jump = "bastion"
models_dir = "/m \"x\"\\y"
devices = ["metal", "cpu"]
weight = 0.5

[nodes.box]
command = ["sh", "-c", "exec ssh box\t\u0001\n"]
`
	if got := string(d.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnAddedNodeHasTheLineEndsOfTheRest(t *testing.T) {
	d := document(t, "# mine\r\n")
	if err := errors.Join(d.AddNode("a", Node{Host: "h"}), d.SetDefault("a")); err != nil {
		t.Fatal(err)
	}
	if got, want := string(d.Bytes()), "# mine\r\n\r\ndefault_node = \"a\"\r\n\r\n[nodes.a]\r\nhost = \"h\"\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRemovingANodeTouchesItsOwnLinesOnly(t *testing.T) {
	for name, c := range map[string]struct{ before, after string }{
		"with the comment above, apart from others": {
			"# all\n\n# the mac,\n# upstairs\n[nodes.x] # here\nhost = 'h' # there\n\n# next\n[nodes.y]\n",
			"# all\n\n# next\n[nodes.y]\n"},
		"the first": {"[nodes.x]\nport = 1\n\n\n[nodes.y]\n", "\n[nodes.y]\n"},
		"the last, with what is commented out in it": {
			"[nodes.y]\n\n[nodes.x]\nhost = 'h'\n# port = 22\n\n# the end\n",
			"[nodes.y]\n\n# the end\n"},
		"a comment between two tables is the second's": {
			"[nodes.x]\nhost = 'h'\n# of y\n[nodes.y]\n",
			"# of y\n[nodes.y]\n"},
		"the only one":                   {"[nodes.x]\n", ""},
		"without a newline at the end":   {"a.b = 1\n\n[nodes.x]\nhost = 'h'", "a.b = 1"},
		"quoted":                         {"[nodes.y]\n\n[ nodes . \"x\" ]\nhost = 'h'\n", "[nodes.y]\n"},
		"escaped":                        {"[nodes.y]\n[\"nodes\".\"\\u0078\"]\nhost = 'h'\n", "[nodes.y]\n"},
		"inline, at the top":             {"# x\nnodes.x = { host = 'h' }\nnodes.y = {}\n", "nodes.y = {}\n"},
		"inline, in a table":             {"[nodes]\ny = {}\nx = { command = [\n'a', # ]\n'b' ] } # x\nz = {}\n", "[nodes]\ny = {}\nz = {}\n"},
		"with dots":                      {"[nodes]\nx.host = 'h'\ny.port = 1\nx.port = 1\n", "[nodes]\ny.port = 1\n"},
		"with Windows line ends":         {"[nodes.y]\r\n\r\n# x\r\n[nodes.x]\r\nhost = 'h'\r\n", "[nodes.y]\r\n"},
		"a namesake in a string":         {"[nodes.y]\ncommand = ['a', '''\n[nodes.x]\n# ''']\n\n[nodes.x]\n", "[nodes.y]\ncommand = ['a', '''\n[nodes.x]\n# ''']\n"},
		"a string that ends like a note": {"[nodes.y]\ncommand = ['a', '''\n# ''']\n[nodes.x]\n[nodes.z]\n", "[nodes.y]\ncommand = ['a', '''\n# ''']\n[nodes.z]\n"},
		"a string that begins a header":  {"[nodes.x]\ncommand = ['a', \"\"\"\n[nodes.y]\n\"\"\"]\n[nodes.z]\n", "[nodes.z]\n"},
	} {
		d, err := NewDocument("c", []byte(strings.Replace(c.before, "a.b = 1", "default_node = 'a'", 1)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := d.RemoveNode("x"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := string(d.Bytes()), strings.Replace(c.after, "a.b = 1", "default_node = 'a'", 1); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestTheDefaultIsSetInPlace(t *testing.T) {
	for name, c := range map[string]struct{ before, to, after string }{
		"another value":       {"default_node = 'a' # why\n[nodes.a]\n", "b", "default_node = \"b\" # why\n[nodes.a]\n"},
		"a long string":       {"default_node = '''\na''' # why\n", "b", "default_node = \"b\" # why\n"},
		"a quoted key":        {"\"default_node\"='a'", "b", "\"default_node\"=\"b\""},
		"before a table":      {"# intro\n\n# a\n[nodes.a]\n", "a", "# intro\n\ndefault_node = \"a\"\n\n# a\n[nodes.a]\n"},
		"behind a key":        {"nodes.a = {}\n# a note\n[models]\n", "a", "nodes.a = {}\ndefault_node = \"a\"\n# a note\n[models]\n"},
		"behind the last key": {"nodes.a = {}", "a", "nodes.a = {}\ndefault_node = \"a\""},
		"into nothing":        {"", "a", "default_node = \"a\"\n"},
		"behind a comment":    {"# x", "a,b", "# x\n\ndefault_node = \"a,b\""},
		"out":                 {"# x\n\ndefault_node = 'a' # why\n\n[nodes.a]\n", "", "# x\n\n[nodes.a]\n"},
		"not there, out":      {"# x", "", "# x"},
		"out, Windows":        {"nodes.a={}\r\ndefault_node='a'", "", "nodes.a={}"},
	} {
		d := document(t, c.before)
		if err := d.SetDefault(c.to); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := string(d.Bytes()); got != c.after {
			t.Errorf("%s: got %q, want %q", name, got, c.after)
		}
	}
}

func TestAnEditThatCannotBeIsRefusedAndChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		text, message string
		code          fault.Code
		edit          func(d *Document) error
	}{
		"there already": {"\n[nodes.x]\n", "node x is in c:2 already", fault.InvalidRequest, func(d *Document) error { return d.AddNode("x", Node{}) }},
		"there already, inline": {"nodes.x = {}", "node x is in c:1 already", fault.InvalidRequest,
			func(d *Document) error { return d.AddNode("x", Node{}) }},
		"not there": {"[nodes.mac]\n", `node "mak" is not in c`, fault.NodeUnknown, func(d *Document) error { return d.RemoveNode("mak") }},
		"a bad name": {"", `the name of a node is "a b", allowed is 1 to 63 letters`, fault.InvalidRequest,
			func(d *Document) error { return d.AddNode("a b", Node{}) }},
		"a bad value": {"", "cannot edit c: c:2:8: nodes.a.port is 70000", fault.InvalidRequest,
			func(d *Document) error { return d.AddNode("a", Node{Port: 70000}) }},
		"two ways": {"", "are both set", fault.InvalidRequest,
			func(d *Document) error { return d.AddNode("a", Node{Host: "h", Command: []string{"x"}}) }},
		"what TOML cannot say": {"", "would not say what it should", fault.InvalidRequest,
			func(d *Document) error { return d.AddNode("a", Node{Command: []string{"x", "\xff"}}) }},
		"one value, add": {"# n\nnodes = { x = {} }", "c:2: nodes = {...} is one value, cannot add y to it", fault.InvalidRequest,
			func(d *Document) error { return d.AddNode("y", Node{}) }},
		"one value, remove": {"nodes = { x = {} }", "c:1: nodes = {...} is one value, cannot take x out", fault.InvalidRequest,
			func(d *Document) error { return d.RemoveNode("x") }},
		"a bad default": {"", `the default node is "a b", allowed is a node`, fault.InvalidRequest, func(d *Document) error { return d.SetDefault("a b") }},
	} {
		d := document(t, c.text)
		before := d.File()
		err := c.edit(d)
		if e := fault.From(err); err == nil || e.Code != c.code || !strings.Contains(e.Message, c.message) || e.Hint == "" {
			t.Errorf("%s: got %v, want %s", name, err, c.message)
		}
		if !bytes.Equal(d.Bytes(), []byte(c.text)) || !reflect.DeepEqual(d.File(), before) {
			t.Errorf("%s: changed to %q", name, d.Bytes())
		}
	}
}

func FuzzEdit(f *testing.F) {
	for _, s := range []string{"", everything, "# x\r\n[nodes]\r\n", "nodes.a.host = '''\n[nodes.b]'''", " \t", "default_node='a'#", "\n\n[models]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := NewDocument("c", text)
		if err != nil || d.noInlineNodes("") != nil {
			return
		}
		if _, there := d.File().Nodes["new"]; there || d.File().DefaultNode != "" {
			return
		}
		for _, edit := range []func() error{
			func() error { return d.AddNode("new", Node{Host: "h"}) }, func() error { return d.SetDefault("new") },
			func() error { return d.RemoveNode("new") }, func() error { return d.SetDefault("") },
		} {
			if err := edit(); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		if !bytes.Equal(d.Bytes(), text) {
			t.Fatalf("%q became %q", text, d.Bytes())
		}
		for _, name := range d.File().NodeNames() {
			if err := d.RemoveNode(name); err != nil {
				t.Fatalf("%q: %s: %v", text, name, err)
			}
		}
	})
}
