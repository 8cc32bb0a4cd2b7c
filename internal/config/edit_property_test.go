package config

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// documents draws config files as people write them, and as they do not: every spelling of a node, comments and
// strings that look like headers, blank lines anywhere, both line ends, with and without the last of them. Comments
// "# free" stand alone: no edit may touch them.
var documents = rapid.Custom(func(t *rapid.T) string {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	var lines []string
	filler := func() {
		for range rapid.IntRange(0, 3).Draw(t, "fillers") {
			lines = append(lines, strings.Split(pick("filler", "", "\t ", "# note", "# [nodes.new]", "#default_node = 'x'",
				"\n# free\n", "  # '''"), "\n")...)
		}
	}
	tail := func() string { return pick("tail", "", " # [nodes.new]", "\t#") }
	filler()
	if rapid.Bool().Draw(t, "default") {
		lines = append(lines, pick("default_node", "default_node = 'a'", "\"default_node\"=\"\"\"\\", "default_node = \"b\"")+"")
		if strings.HasSuffix(lines[len(lines)-1], "\\") {
			lines = append(lines, "   a\"\"\"")
		}
		lines[len(lines)-1] += tail()
		filler()
	}
	dotted := rapid.Bool().Draw(t, "dotted")
	if dotted {
		lines = append(lines, "nodes.dotted.host = 'h'"+tail())
		filler()
		lines = append(lines, "nodes.dotted.port = 1"+tail())
		filler()
	}
	if !dotted && rapid.Bool().Draw(t, "nodes") { // TOML allows one of the two
		lines = append(lines, "[nodes]"+tail())
		filler()
		lines = append(lines, "inline = { host = 'h', devices = [ # ]", "'cpu' ] }"+tail())
		filler()
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "tables") {
		lines = append(lines, fmt.Sprintf(pick("header", "[nodes.n%d]", "[nodes.\"n%d\"]", "  [ nodes . 'n%d' ]"), i)+tail())
		filler()
		for _, kv := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"host = 'h'", "  port = 22", "identity = [\n  '~/a', # one\n\n  # two\n  '/b'\n]",
			"models_dir = \"\"\"\n/[nodes.new]\"\"\"", "weight=2", "user = \"\\u0061\"",
		}), 0, 4, rapid.ID[string]).Draw(t, "values") {
			lines = append(lines, strings.Split(kv, "\n")...)
			lines[len(lines)-1] += tail()
			filler()
		}
	}
	if rapid.Bool().Draw(t, "command") {
		lines = append(lines, "[nodes.cmd]", "command = ['x', '''", "[nodes.new]", "", "# not a comment", "default_node = 'x'", "''']"+tail())
		filler()
	}
	if rapid.Bool().Draw(t, "models") {
		lines = append(lines, "[models]"+tail(), "\"a.b\" = '/x'")
		filler()
	}
	return strings.Join(lines, pick("newline", "\n", "\r\n")) + pick("end", "", "\n", "\n\n", "\r\n", "  ")
})

var nodes = rapid.Custom(func(t *rapid.T) Node {
	some := rapid.StringOfN(rapid.RuneFrom([]rune("ab\"'\\ #[]=\u00e4\u2028")), 0, 8, -1)
	n := Node{Weight: rapid.Float64Range(1e-6, 1000).Draw(t, "weight"), ModelsDir: "~/" + some.Draw(t, "models_dir")}
	if rapid.Bool().Draw(t, "command") {
		n.Command = append([]string{"x"}, rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune("a\n\r\t\"'\\\u0001\u007f\u0085[]#")))).Draw(t, "arguments")...)
		return n
	}
	n.Port = rapid.IntRange(0, 65535).Draw(t, "port")
	n.Identity = rapid.SliceOfN(rapid.Map(some, func(s string) string { return "/" + s }), 0, 3).Draw(t, "identity")
	return n
})

func begin(t *rapid.T) (string, *Document) {
	text := documents.Draw(t, "document")
	d, err := NewDocument("c", []byte(text))
	if err != nil {
		t.Fatalf("the generator is wrong: %v\n%q", err, text)
	}
	return text, d
}

func TestAddingAndRemovingANodeGivesBackTheBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, d := begin(t)
		old := d.File().DefaultNode
		n := nodes.Draw(t, "node")
		ok := func(err error) {
			if err != nil {
				t.Fatalf("%v\n%q\n%q", err, text, d.Bytes())
			}
		}
		ok(d.AddNode("new", n))
		if !strings.HasPrefix(string(d.Bytes()), text) {
			t.Fatalf("%q became %q", text, d.Bytes())
		}
		if got := d.File().Nodes["new"]; !reflect.DeepEqual(got, n.normal()) {
			t.Fatalf("added %+v, got %+v", n, got)
		}
		isDefault := old == "" && rapid.Bool().Draw(t, "make it the default")
		if isDefault {
			ok(d.SetDefault("new"))
		}
		ok(d.RemoveNode("new"))
		if isDefault {
			ok(d.SetDefault(""))
		}
		if string(d.Bytes()) != text {
			t.Fatalf("%q became %q", text, d.Bytes())
		}
	})
}

// What Problem lets pass, the file takes, and the other way round.
func TestAProblemOfANodeIsOneOfTheFileToo(t *testing.T) {
	odd := rapid.SampledFrom([]string{"", "ok", "-x", "a b", "/abs", "~/x", "rel", "a,b", "a,,b", "cuda:0", "\x00", "\n", "me@h:22", "GPU"})
	rapid.Check(t, func(t *rapid.T) {
		n := Node{
			Host: odd.Draw(t, "host"), Port: rapid.IntRange(-1, 65536).Draw(t, "port"), User: odd.Draw(t, "user"),
			Identity: rapid.SliceOfN(odd, 0, 2).Draw(t, "identity"), Jump: odd.Draw(t, "jump"), ModelsDir: odd.Draw(t, "models_dir"),
			CacheDir: odd.Draw(t, "cache_dir"), Devices: rapid.SliceOfN(odd, 0, 2).Draw(t, "devices"),
			Weight: rapid.SampledFrom([]float64{0, -1, 1, 1000, 1001, math.NaN(), math.Inf(1)}).Draw(t, "weight"),
		}
		if rapid.Bool().Draw(t, "fields before") {
			n = Node{Host: n.Host, Port: 22 * rapid.IntRange(0, 1).Draw(t, "22"), Weight: 1}
		}
		if rapid.Bool().Draw(t, "command") {
			n.Command = rapid.SliceOfN(odd, 1, 3).Draw(t, "command")
		}
		d, err := NewDocument("c", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err, p := d.AddNode("new", n), n.Problem(); (err == nil) != (p == nil) {
			t.Fatalf("%+v: %v, %+v", n, err, p)
		}
	})
}

func TestRemovingAnyNodeLeavesAllOthersAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, d := begin(t)
		names := d.File().NodeNames()
		if len(names) == 0 {
			t.Skip()
		}
		name := rapid.SampledFrom(names).Draw(t, "name")
		before := d.File()
		if err := d.RemoveNode(name); err != nil {
			t.Fatalf("%v\n%q", err, text)
		}
		want := before.copy()
		delete(want.Nodes, name)
		if !reflect.DeepEqual(d.File(), want) {
			t.Fatalf("got %+v, want %+v", d.File(), want)
		}
		after := string(d.Bytes())
		if a, b := strings.Count(text, "# free"), strings.Count(after, "# free"); b < a-freeInside(text, name) {
			t.Fatalf("%d of %d comments are left: %q became %q", b, a, text, after)
		}
		if name == "dotted" {
			return // two places
		}
		if !oneCut(text, after) {
			t.Fatalf("%q became %q", text, after)
		}
	})
}

// freeInside counts the free comments between the lines of a node: they go with it.
func freeInside(text, name string) (n int) {
	parts := layout([]byte(text))
	first, last := -1, -1
	for i, p := range parts {
		if p.key.within(key{"nodes", name}) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	for _, p := range parts[first : last+1] {
		if strings.TrimSpace(text[p.from:p.to]) == "# free" {
			n++
		}
	}
	return n
}

// oneCut reports whether after is before without one piece.
func oneCut(before, after string) bool {
	i := 0
	for i < len(after) && before[i] == after[i] {
		i++
	}
	return len(before) > len(after) && strings.HasSuffix(before, after[i:])
}

func TestSettingTheDefaultKeepsEveryLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, d := begin(t)
		if err := d.SetDefault("new"); err != nil {
			t.Fatalf("%v\n%q", err, text)
		}
		left := strings.Split(string(d.Bytes()), "\n")
		for line := range strings.SplitSeq(text, "\n") {
			at := -1
			for i, l := range left {
				if strings.TrimRight(l, "\r") == strings.TrimRight(line, "\r") {
					at = i
					break
				}
			}
			if at < 0 && !strings.Contains(line, "default_node") && !strings.Contains(line, `a"""`) {
				t.Fatalf("%q is gone, or in another place: %q became %q", line, text, d.Bytes())
			}
			left = left[at+1:]
		}
	})
}
