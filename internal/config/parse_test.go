package config

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"rbee/internal/keepalive"
	"unicode"

	"rbee/internal/fault"
)

const everything = `# what I have
default_node = "mac,box"

[nodes.mac]
host = "mac.local"
port = 2222
user = "me@corp"
identity = "~/.ssh/mac"
jump = "bastion,me@[::1]:2200"
models_dir = "~/models"
cache_dir = "/var/cache/rbee"
devices = ["metal", "cpu:0"]
weight = 2

[nodes."box"]
command = ["docker", "exec", "-i", "box", "sh"]

[nodes.by-its-name]

[models]
coder = "hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/q4.gguf"
"llama3.1" = "/models/llama.gguf"

[keep_alive]
coder = "1h30m"
"llama3.1" = -1
demo = 0
phi3 = "90"
`

func TestEveryKeyIsRead(t *testing.T) {
	got, err := Parse("c.toml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Path: "c.toml", DefaultNode: "mac,box",
		Nodes: map[string]Node{
			"mac": {Host: "mac.local", Port: 2222, User: "me@corp", Identity: []string{"~/.ssh/mac"}, Jump: "bastion,me@[::1]:2200",
				ModelsDir: "~/models", CacheDir: "/var/cache/rbee", Devices: []string{"metal", "cpu:0"}, Weight: 2},
			"box":         {Command: []string{"docker", "exec", "-i", "box", "sh"}, Weight: 1},
			"by-its-name": {Weight: 1},
		},
		Models:    map[string]string{"coder": "hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/q4.gguf", "llama3.1": "/models/llama.gguf"},
		KeepAlive: map[string]time.Duration{"coder": 90 * time.Minute, "llama3.1": keepalive.Forever, "demo": 0, "phi3": 90 * time.Second},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAllSpellingsOfANodeAreTheSame(t *testing.T) {
	want := map[string]Node{"a": {Host: "h", Port: 1, Weight: 1}}
	for _, text := range []string{
		"[nodes.a]\nhost = 'h'\nport = 1",
		"[nodes.\"a\"]\r\nhost = \"h\"\r\nport = 0x1\r\n",
		"[ nodes . a ]\nhost = \"\"\"h\"\"\"\nport = 1\n",
		"[nodes]\na = { host = 'h', port = 1 }",
		"nodes.a.host = 'h'\nnodes.a.port = 1",
		"nodes = { a = { host = 'h', port = 1 } }",
	} {
		f, err := Parse("c", []byte(text))
		if err != nil || !reflect.DeepEqual(f.Nodes, want) {
			t.Errorf("%q: %+v, %v", text, f, err)
		}
	}
}

func TestAnErrorNamesThePlaceTheValueAndWhatIsAllowed(t *testing.T) {
	for _, c := range []struct{ text, message, hint string }{
		// unknown keys
		{"defualt_node = 'a'", "c:1:1: there is no key defualt_node", "did you mean default_node? allowed are default_node, default_worker, keep_alive, models, nodes"},
		{"[nodes.a]\nhost='h'\n\n  prot = 22", "c:4:3: there is no key prot in nodes.a", "did you mean port? allowed are cache_dir, "},
		{"[nodes.a]\nzzz = 1", "c:2:1: there is no key zzz in nodes.a", "allowed are cache_dir"},
		{"[node.a]", "c:1:2: there is no key node", "did you mean nodes?"},
		{"[nodes.mac.local]\nhost='h'", "c:1:12: there is no key local in nodes.mac", `a dot in a name needs quotes: [nodes."mac.local"]`},
		{"nodes.a = { host = 'h', x = 1 }", "c:1:25: there is no key x in nodes.a", "allowed are"},
		// types
		{"[keep_alive]\ndemo = -2", `c:2:8: keep_alive.demo is -2, allowed is seconds or a duration`, ""},
		{"[keep_alive]\ndemo = 'x'", `c:2:8: keep_alive.demo is "x", allowed is seconds or a duration`, ""},
		{"[keep_alive]\ndemo = true", `c:2:8: keep_alive.demo is true, allowed is seconds or a duration`, ""},
		{"[nodes.a]\nport = '22'", `c:2:8: nodes.a.port is "22", allowed is a whole number, 1 to 65535`, ""},
		{"[nodes.a]\nport = 22.5", "c:2:8: nodes.a.port is 22.5, allowed is a whole number", ""},
		{"[nodes.a]\nhost = 1979-05-27", "c:2:8: nodes.a.host is 1979-05-27, allowed is text in quotes", ""},
		{"[nodes.a]\nhost.x = 1", "c:2:1: nodes.a.host is a table, allowed is text in quotes", ""},
		{"[nodes.a]\ncommand = 'ssh a'", `c:2:11: nodes.a.command is "ssh a", allowed is a list of texts: ["a", "b"]`, ""},
		{"[nodes.a]\nidentity = 3", "c:2:12: nodes.a.identity is 3, allowed is text in quotes, or a list", ""},
		{"[nodes.a]\ndevices = [\n  # the first\n  'cpu',\n  2]", "c:5:3: nodes.a.devices[1] is 2, allowed is text in quotes", ""},
		{"nodes = 'a'", `c:1:9: nodes is "a", allowed is a table: [nodes]`, ""},
		{"[[nodes]]\nhost='h'", "c:1:3: nodes is a list, allowed is a table", ""},
		{"nodes.a = 'h'", `c:1:11: nodes.a is "h", allowed is a table: [nodes.a]`, ""},
		{"[models]\nllama3.1 = 'x'", "c:2:1: models.llama3 is a table, allowed is text in quotes; a name with a dot", ""},
		// ranges
		{"[nodes.a]\nport = 0", "c:2:8: nodes.a.port is 0, allowed is a whole number, 1 to 65535", ""},
		{"[nodes.a]\nport = 65536", "c:2:8: nodes.a.port is 65536,", ""},
		{"[nodes.a]\nweight = 0", "c:2:10: nodes.a.weight is 0, allowed is a number, more than 0 and up to 1000", ""},
		{"[nodes.a]\nweight = nan", "c:2:10: nodes.a.weight is NaN,", ""},
		{"[nodes.a]\nweight = 1001", "c:2:10: nodes.a.weight is 1001,", ""},
		{"[nodes.a]\ndevices = []", "c:2:11: nodes.a.devices is a list of 0, allowed is a list of 1 to 256 texts", ""},
		// names
		{"[nodes.localhost]", "c:1:8: the name \"localhost\" in nodes is not allowed, allowed is any name but localhost", "choose another name"},
		{"[nodes.ANY]", `the name "ANY" in nodes is not allowed`, ""},
		{"[nodes.'127.0.0.1']", `the name "127.0.0.1" in nodes is not allowed, allowed is any name but an address of this machine`, ""},
		{"[nodes.'-a']", `the name "-a" in nodes is not allowed, allowed is 1 to 63 letters`, ""},
		{"[nodes.'a b']", `the name "a b" in nodes`, ""},
		{"[nodes.'']", `the name "" in nodes`, ""},
		{"[nodes." + strings.Repeat("n", 64) + "]", "in nodes is not allowed", ""},
		{"[models]\n'a b' = 'x'", `c:2:1: the name "a b" in models is not allowed`, ""},
		// values
		{"default_node = ''", "c:1:16: default_node is empty, allowed is a node, or up to 64 with commas", ""},
		{"[nodes.a]\nhost = '-oProxyCommand=x'", "c:2:8: nodes.a.host is \"-oProxyCommand=x\", allowed is a hostname", ""},
		{"[nodes.a]\nhost = 'me@h'", "allowed is a hostname", ""},
		{"[nodes.a]\nhost = '$(touch x)'", "allowed is a hostname", ""},
		{"[nodes.a]\nuser = '-l'", "c:2:8: nodes.a.user is", ""},
		{"[nodes.a]\nidentity = ['~/ok', 'key']", `c:2:21: nodes.a.identity[1] is "key", allowed is an absolute path, or one that begins with ~/`, ""},
		{"[nodes.a]\nmodels_dir = 'models'", "allowed is an absolute path", ""},
		{"[nodes.a]\njump = 'a,,b'", "c:2:8: nodes.a.jump is \"a,,b\", allowed is [user@]host[:port], several with commas, or none", ""},
		{"[nodes.a]\ndevices = ['GPU 0']", "allowed is a device like cpu, cuda:0 or metal", ""},
		{"[nodes.a]\ncommand = ['']", "c:2:12: nodes.a.command[0] is empty, allowed is a program", ""},
		{"[models]\nx = ''", "c:2:5: models.x is empty, allowed is a model", ""},
		// one way to a node
		{"[nodes.a]\ncommand = ['x']\nport = 22", "c:3:1: nodes.a.command and nodes.a.port are both set, allowed is one of them", "instead of ssh"},
		// no TOML
		{"[nodes.a]\nhost = h", "c:2:8: ", "the file is TOML"},
		{"a = 1\na = 2", "c:2:1: ", ""},
		{"[nodes.a]\n[nodes.a]", "c:2:", ""},
		{"default_node = \"\xff\"", "c:1:17: ", ""},
		// the first of several, in the order of the file
		{"[nodes.z]\nport = 0\n[nodes.a]\nport = 0", "c:2:8: nodes.z.port", ""},
		{"# \u00e4\n[nodes.a]\ndevices = [ '\u00e4', 'cpu', '' ]", "c:3:13:", ""},
		{"nodes.a.devices = [ 'cpu:\u00e4', 2 ]", "c:1:21:", ""},
	} {
		_, err := Parse("c", []byte(c.text))
		f := fault.From(err)
		if err == nil || f.Code != fault.InvalidRequest || !strings.Contains(f.Message, c.message) || f.Hint == "" || !strings.Contains(f.Hint, c.hint) {
			t.Errorf("%q:\ngot  %v\nwant %s\nhint %q", c.text, err, c.message, f)
		}
	}
}

// The column counts characters, as editors do.
func TestAColumnIsInCharacters(t *testing.T) {
	_, err := Parse("c", []byte("nodes = { \"\u00e4\" = 1, b = 2 }"))
	if err == nil || !strings.HasPrefix(err.Error(), "c:1:11: ") {
		t.Errorf("got %v", err)
	}
	_, err = Parse("c", []byte("nodes.a.devices = [ 'cpu', '\u00e4', 3 ]"))
	if err == nil || !strings.HasPrefix(err.Error(), "c:1:28: ") {
		t.Errorf("got %v", err)
	}
	_, err = Parse("c", []byte("nodes.a = { user = '\u00e4', port = 0 }"))
	if err == nil || !strings.HasPrefix(err.Error(), "c:1:32: ") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	for _, s := range []string{"", "[nodes.a]\nport = 0", "nodes = { a = { identity = [\"x\", [1]] } }", "[[nodes.a]]", "a.\"\\u0000\" = {}", "x = 1\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Parse("c", text)
		if err != nil {
			e := fault.From(err)
			line, column := e.Details["line"], e.Details["column"]
			if e.Code != fault.InvalidRequest || e.Hint == "" || line == nil || line.(int) < 1 || column.(int) < 1 {
				t.Errorf("%q: %v %+v", text, err, e.Details)
			}
			if lines := strings.Count(string(text), "\n") + 1; line.(int) > lines {
				t.Errorf("line %d of %d: %v", line, lines, err)
			}
			if strings.ContainsFunc(e.Message, unicode.IsControl) || strings.ContainsFunc(e.Hint, unicode.IsControl) {
				t.Errorf("control characters in %q, %q", e.Message, e.Hint)
			}
			return
		}
		for name, n := range got.Nodes {
			if NodeNameProblem(name) != "" || n.Port < 0 || n.Port > 65535 || !(n.Weight > 0) || math.IsInf(n.Weight, 0) {
				t.Errorf("%q: %q %+v", text, name, n)
			}
			if n.Command != nil && (n.Command[0] == "" || n.Host+n.User+n.Jump != "" || n.Identity != nil) {
				t.Errorf("%q: two ways to one node: %+v", text, n)
			}
		}
	})
}
