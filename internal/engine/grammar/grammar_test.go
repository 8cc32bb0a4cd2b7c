package grammar

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/gbnf"
)

func parse(t testing.TB, source string) *Grammar {
	t.Helper()
	g, err := New(source)
	if err != nil {
		t.Fatalf("%v in\n%s", err, source)
	}
	return g
}

// read returns the state after text; a text that does not fit ends early.
func read(t testing.TB, g *Grammar, text string) State {
	t.Helper()
	s, err := g.Start()
	if err == nil {
		s, err = g.Advance(s, []byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const json = `
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws   # with escapes
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
`

func TestSentences(t *testing.T) {
	for _, c := range []struct{ grammar, yes, no string }{ // texts are separated by /
		{`root ::= "yes" | "no"`, "yes/no", "/y/yesno/maybe"},
		{`root ::= "a"*`, "/a/aaaa", "b/ab"},
		{`root ::= "a"+`, "a/aa", "/b"},
		{`root ::= "a"? "b"`, "b/ab", "/a/aab"},
		{`root ::= "ab"{2}`, "abab", "ab/ababab/abb"},
		{`root ::= [a-c]{2,3}`, "ab/abc", "a/abca/ad"},
		{`root ::= ("a" | "bc"){1,}`, "a/bc/abca", "/b/ac"},
		{`root ::= [^a-y]`, "z/A/ž/蜂/🐝", "a/m/zz"},
		{`root ::= [а-я]+ | [蜂-🐝]`, "мед/蜂/🐝", "bee/М"},
		{"root ::= .", "a/\n/ž/蜂/🐝", "/ab/\xff"},
		{`root ::= "\x41\u0042\U00000043\t\"\\" [\]\[-]`, "ABC\t\"\\]/ABC\t\"\\[", "ABC\t\"\\a"},
		{`root ::= [a-]`, "a/-", "b"},
		{`root ::= ""`, "", "a"},
		{`root ::= `, "", "a"},
		{"root ::= (\n \"a\" |\n  b\n)\nb ::=\n \"b\" |\n \"c\" # end", "a/b/c", "d"},
		{`root ::= "(" root ")" | "x"`, "x/(x)/(((x)))", "(x/x)/()"},
		// Ambiguity.
		{`root ::= ("a"? "b"?){0,9}`, "/a/b/abba", "c"},
		{"root ::= \"a\" root | \"a\" x | \"a\"\nx ::= root \"a\" | root", "a/aaaaaaa", "b"},
		{`root ::= "a" root "b" | "a" root "c" | "d"`, "d/adb/aadcb", "ad/adbb"},
		{json, `{}/{"a": [1, -2.5e3, "xé", {"b":null}]}/{"a":"\u00fc"}`, `/{/[]/{"a"}/{"a":01}/{"a":"\u00f"}`},
	} {
		g := parse(t, c.grammar)
		for _, text := range strings.Split(c.yes, "/") {
			if s := read(t, g, text); !s.Complete() {
				t.Errorf("%s\n%q is no sentence of it", c.grammar, text)
			}
		}
		for _, text := range strings.Split(c.no, "/") {
			if s := read(t, g, text); s.Complete() {
				t.Errorf("%s\n%q is a sentence of it", c.grammar, text)
			}
		}
	}
}

func TestAnEndIsNoticedWhenNothingCanFollow(t *testing.T) {
	for text, over := range map[string]bool{"": false, "{": false, "{}": false, "{}\n" + strings.Repeat(" ", 20): true, "x": true} {
		if s := read(t, parse(t, json), text); s.Over() != over {
			t.Errorf("%q: over %v", text, s.Over())
		}
	}
}

func TestWhatIsWrongIsRefusedWithItsPlace(t *testing.T) {
	_, err := New("root ::= \"a\"\n  | b")
	if e := fault.From(err); e.Code != fault.InvalidRequest || e.Details["line"] != 2 {
		t.Errorf("%v", err)
	}
}

// A bomb is refused, ends with an error or is followed: what one character may cost is bounded, so this test ends.
func TestBombs(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, source := range []string{
		`root ::= ("a"?){990}`,
		"root ::= x{1999}\nx ::= y{1999}\ny ::= \"a\"?",
		"root ::= x{1999}\nx ::= y{1999}\ny ::= z{1999}\nz ::= \"a\"?",
		`root ::= "a" root | "a" root "a" | "a" root root | "a"`,
		"root ::= a a a a a a a a\na ::= b b b b b b b b\nb ::= c c c c c c c c\nc ::= \"a\"? | \"a\" root",
		"root ::= (" + strings.Repeat("[a-z]* ", 1000) + ")",
		"root ::= " + strings.Repeat("\"a\"? ", 10_000),
		"root ::= " + strings.Repeat("(", gbnf.MaxNesting) + "\"a\"" + strings.Repeat(")+", gbnf.MaxNesting),
	} {
		g, err := New(source)
		if err != nil {
			t.Errorf("%.60q: %v", source, err)
			continue
		}
		s, err := g.Start()
		for i := 0; i < len(long) && err == nil && !s.Over(); i++ {
			s, err = g.Advance(s, []byte(long[i:i+1]))
		}
		if err != nil && !errors.Is(err, ErrTooAmbiguous) {
			t.Errorf("%.60q: %v", source, err)
		}
	}
}

// brute is Allowed in the plainest way.
func brute(g *Grammar, s State, pieces [][]byte) (ids []int32) {
	for id, p := range pieces {
		if len(p) == 0 {
			continue
		}
		if n, err := g.Advance(s, p); err == nil && (n.Complete() || !n.Over()) {
			ids = append(ids, int32(id))
		}
	}
	return ids
}

var pieces = func() (all [][]byte) {
	for b := range 256 {
		all = append(all, []byte{byte(b)})
	}
	for _, s := range []string{"", "{\"", "\":", "\": ", "a", "ab", "abc", "abd", "true", "tru", "}}", "}", "{}", "  ", "\n\t", "蜂", "\xe8\x9c", "\x82x", "🐝🐝", "é", "1e5", "12", "1", "", "null,", "a"} {
		all = append(all, []byte(s))
	}
	return all
}()

func allowed(t testing.TB, g *Grammar, s State) []int32 {
	t.Helper()
	var ids []int32
	if err := NewVocabulary(pieces).Allowed(g, s, func(id int32) { ids = append(ids, id) }, nil); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func TestTheTokensAllowedAreThoseThatFit(t *testing.T) {
	g := parse(t, json)
	text := `{"a蜂":[1.5e3,{"b":true,"c":"x\u00e9🐝"}] ,"d":{}}`
	some := 0
	for n := range len(text) {
		s := read(t, g, text[:n])
		got := allowed(t, g, s)
		if want := brute(g, s, pieces); !slices.Equal(got, want) {
			t.Errorf("after %q: %d, want %d", text[:n], got, want)
		}
		some += len(got)
	}
	if some < len(text) {
		t.Errorf("only %d tokens in all", some)
	}
}

func TestAStateIsNotChangedByWhatIsTriedFromIt(t *testing.T) {
	g := parse(t, `root ::= ("a" x)* "b"`+"\n"+`x ::= ("c"+ x)?`)
	s := read(t, g, "acc")
	want := allowed(t, g, s)
	for _, try := range []string{"c", "b", "aab", "cca", "z"} {
		if _, err := g.Advance(s, []byte(try)); err != nil {
			t.Fatal(err)
		}
	}
	if got := allowed(t, g, s); !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("%d, want %d", got, want)
	}
}

// bigVocabulary is many words that look like words.
func bigVocabulary(size int) *Vocabulary {
	random := rand.New(rand.NewPCG(1, 2))
	var all [][]byte
	for b := range 256 {
		all = append(all, []byte{byte(b)})
	}
	syllables := strings.Fields("a be co di en fu ga hi in jo ka lo me no or pa qu ra se ti un ve wo xi yo za ing tion er est ly žlu 蜂 {\" \": }, 12 . ,")
	for len(all) < size {
		word := ""
		if random.IntN(2) == 0 {
			word = " "
		}
		for range 1 + random.IntN(4) {
			word += syllables[random.IntN(len(syllables))]
		}
		all = append(all, []byte(word))
	}
	return NewVocabulary(all)
}

func TestASearchThatTakesTooLongIsGivenUp(t *testing.T) {
	v := bigVocabulary(16_000)
	for source, want := range map[string]error{
		json: nil,
		"root ::= (" + strings.Repeat("[a-z ]* ", 2) + ")":  nil,
		"root ::= (" + strings.Repeat("[a-z ]* ", 60) + ")": ErrTooAmbiguous,
	} {
		g := parse(t, source)
		s := read(t, g, "")
		if source == json {
			s = read(t, g, `{"a`)
		}
		n := 0
		if err := v.Allowed(g, s, func(int32) { n++ }, nil); err != want || err == nil && n < 1000 {
			t.Errorf("%.40q: %d tokens, %v, want %v", source, n, err, want)
		}
	}
}

// BenchmarkAllowed is a search through the vocabulary within a JSON string, where nearly everything fits, and where
// only punctuation does.
func BenchmarkAllowed(b *testing.B) {
	v, g := bigVocabulary(128_000), parse(b, json)
	for name, text := range map[string]string{"string": `{"a`, "punctuation": `{"a"`} {
		s := read(b, g, text)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := v.Allowed(g, s, func(int32) {}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Whatever the text: no panic, no hang; and what may follow is what Advance takes.
func FuzzGrammar(f *testing.F) {
	for _, s := range []string{json, `root ::= ("a"?){2,5} [^\n-z]`, "root ::= a | root b\na ::= \"x\"\nb ::= a*", `root ::= .{3,}`} {
		f.Add(s, "aab")
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		g, err := New(source)
		if err != nil {
			return
		}
		s, err := g.Start()
		for i := 0; i < min(len(text), 64) && err == nil; i++ {
			var next State
			next, err = g.Advance(s, []byte{text[i]})
			fits := next.Complete() || !next.Over()
			if err == nil && fits != slices.Contains(brute(g, s, [][]byte{{text[i]}}), 0) {
				t.Fatalf("%q: byte %d", text, i)
			}
			s = next
		}
		if err != nil {
			return
		}
		var ids []int32
		if NewVocabulary(pieces).Allowed(g, s, func(id int32) { ids = append(ids, id) }, nil) != nil {
			return
		}
		slices.Sort(ids)
		if want := brute(g, s, pieces); !slices.Equal(ids, want) {
			t.Fatalf("%q after %q: %d, want %d", source, text, ids, want)
		}
	})
}
