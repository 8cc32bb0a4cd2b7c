package gbnf

import (
	"fmt"
	"strings"
	"testing"

	"rbee/internal/fault"
)

func TestAGrammarThatCannotBeUsedIsRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct{ name, grammar, want string }{
		{"nothing", "", `no rule "root"`},
		{"no root", `a ::= "x"`, `no rule "root"`},
		{"no definition", `root = "x"`, "expected ::="},
		{"text not closed", `root ::= "x`, "not closed"},
		{"class not closed", `root ::= [a-`, "not closed"},
		{"empty class", `root ::= []`, "empty character class"},
		{"range upside down", `root ::= [z-a]`, "range of characters"},
		{"unknown escape", `root ::= "\q"`, `unknown escape \q`},
		{"no such character", `root ::= "\U00110000"`, "no character"},
		{"undefined", "root ::= a", `refers to "a"`},
		{"repetition of nothing", `root ::= * "x"`, "nothing stands before"},
		{"repetition upside down", `root ::= "x"{9,1}`, "from 9 to 1"},
		{"repetition bomb", `root ::= "x"{1000000}`, "up to 1999"},
		{"nested repetition bomb", `root ::= (("x"{0,9}){0,99}){0,99}`, "product"},
		{"wide repetition bomb", "root ::= " + strings.Repeat(`"xxxxxxxxxxxxxxxxxxxx"{1999} `, 20), "elements"},
		{"parentheses bomb", "root ::= " + strings.Repeat("(", 10000) + `"x"` + strings.Repeat(")", 10000), "parentheses"},
		{"rules bomb", manyRules(MaxRules + 1), "rules"},
		{"size", "root ::= \"" + strings.Repeat("x", MaxBytes) + `"`, "bytes"},
		{"left recursion", `root ::= root "x" | "y"`, "begins with itself: root > root"},
		{"left recursion far away", "root ::= a\na ::= \"\" b\nb ::= \"q\"? root", "begins with itself"},
		{"left recursion of an unused rule", "root ::= \"x\"\na ::= a", "begins with itself"},
		{"endless repetition", `root ::= (""?)*`, "may be empty"},
		{"endless sentence", "root ::= \"x\" root", "no sentence"},
		{"alternatives in the next line", "root ::= \"x\"\n | \"y\"", "rule name"},
		{"tokens", "root ::= <think>", "tokens"},
		{"rubbish behind", `root ::= "x" )`, "unexpected"},
		{"zero byte", "root ::= \"x\x00\"", "zero byte"},
		{"not UTF-8", "root ::= \"\xff\"", "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(c.grammar)
			if fault.CodeOf(err) != fault.InvalidRequest || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestALongNameIsCutInTheReason(t *testing.T) {
	long := strings.Repeat("x", 100000)
	for _, g := range []string{long, "root ::= " + long, "root ::= " + long + "\n" + long + " ::= " + long, "root ::= \"\\U" + long + "\""} {
		if err := Check(g); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%.20q...: %.200s (%d bytes)", g, err, len(fmt.Sprint(err)))
		}
	}
}

func manyRules(n int) string {
	var b strings.Builder
	b.WriteString("root ::= \"x\"\n")
	for i := range n {
		fmt.Fprintf(&b, "r%d ::= \"x\"\n", i)
	}
	return b.String()
}

func TestGrammarsOfEveryShapeAreTaken(t *testing.T) {
	for _, g := range []string{
		`root ::= "x"`,
		"# a comment\nroot ::= (\n  a |\n  b # another\n)\na ::= [^\"\\\\\\x7F\\x00-\\x1F]+\r\nb ::= .{2,5} \"\\u00e9\\U0001F600\\t\"",
		"root ::= list\nlist ::= \"[\" (item (\",\" item)*)? \"]\"\nitem ::= [0-9] | list",
		"root ::= \"a\" |\n  \"b\"",
		`root ::= [a-z-] [\]\[-] "x"{3} "y"{3,} "z"{0,3}`,
		"root ::= a a\na ::= \"\" | \"x\"",
	} {
		if err := Check(g); err != nil {
			t.Errorf("%s\n%v", g, err)
		}
	}
}

func TestALineNumberLeadsToTheMistake(t *testing.T) {
	err := Check("root ::= a\n\na ::= b\n")
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Error(err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(`root ::= "a"{1,3} ([b-d] | root2)*` + "\nroot2 ::= .")
	f.Add("root ::= root")
	f.Fuzz(func(t *testing.T, text string) {
		if err := Check(text); err != nil && fault.CodeOf(err) != fault.InvalidRequest {
			t.Errorf("%T %v", err, err)
		}
	})
}
