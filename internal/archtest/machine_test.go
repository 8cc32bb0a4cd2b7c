package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A machine is a file named machine.go or *_machine.go: pure, so that its table of tests is the whole truth.
func machine(name string) bool {
	base := path.Base(name)
	return base == "machine.go" || strings.HasSuffix(base, "_machine.go")
}

var notInAMachine = rule{
	who: []string{"..."},
	what: []string{"os/...", "net/...", "io/...", "sync/...", "context", "log/...", "math/rand/...", "github.com/asynkron/protoactor-go/...",
		"go.opentelemetry.io/...", "google.golang.org/grpc/...", "internal/proc/...", "internal/transport/..."},
	why: "a machine has no clock, no goroutine, no chance, no actor library and no I/O",
}

// clock is what of package time reads or waits; its types and constants are fine.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// impure says what a machine's file does that it must not.
func impure(s source) []string {
	var wrong []string
	for _, to := range s.imports {
		if notInAMachine.breaks(s.pkg(), false, to) {
			wrong = append(wrong, "imports "+to)
		}
	}
	time := nameOf(s.ast, "time")
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			wrong = append(wrong, "starts a goroutine")
		case *ast.SendStmt, *ast.SelectStmt, *ast.ChanType:
			wrong = append(wrong, "uses a channel")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == time && slices.Contains(clock, n.Sel.Name) {
				wrong = append(wrong, fmt.Sprintf("calls time.%s", n.Sel.Name))
			}
		}
		return true
	})
	return wrong
}

// nameOf returns the name under which f knows the package at that path; "" if it does not import it.
func nameOf(f *ast.File, importPath string) string {
	for _, i := range f.Imports {
		if p, _ := strconv.Unquote(i.Path.Value); p == importPath {
			if i.Name != nil {
				return i.Name.Name
			}
			return path.Base(importPath)
		}
	}
	return ""
}

func TestMachinesArePure(t *testing.T) {
	for _, s := range sources(t) {
		if machine(s.path) {
			for _, w := range impure(s) {
				t.Errorf("%s %s: %s", s.path, w, notInAMachine.why)
			}
		}
	}
}

func TestAnImpureMachineIsNoticed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`import "time"; var d = 3 * time.Second; type t struct { at time.Time }`, ""},
		{`import "time"; var n = time.Now()`, "calls time.Now"},
		{`import clock "time"; var n = clock.Since`, "calls time.Since"},
		{`import "os"`, "imports os"},
		{`import "net/http"`, "imports net/http"},
		{`import "github.com/asynkron/protoactor-go/actor"`, "imports github.com/asynkron/protoactor-go/actor"},
		{`func f() { go f() }`, "starts a goroutine"},
		{`var c chan int`, "uses a channel"},
		{`import "rbee/internal/fsm"`, ""},
	} {
		s := parse(t, "actors/x/machine.go", "package x; "+c.text)
		if got := strings.Join(impure(s), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", c.text, got, c.want)
		}
	}
}

// A diagram that no test holds against its table rots, and a table without one is not seen.
func TestEveryTableHoldsItsDiagram(t *testing.T) {
	tests := map[string][]string{} // package -> string literals of its tests
	var tables, diagrams []string
	for _, s := range sources(t) {
		if s.test() {
			ast.Inspect(s.ast, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok {
					tests[s.pkg()] = append(tests[s.pkg()], strings.Trim(l.Value, "`\""))
				}
				return true
			})
		} else if machine(s.path) && slices.Contains(s.imports, "rbee/internal/fsm") {
			tables = append(tables, s.pkg())
		}
	}
	for _, f := range files(t) {
		if strings.HasSuffix(f, ".mmd") {
			diagrams = append(diagrams, f)
		}
	}
	for _, d := range diagrams {
		pkg := path.Dir(path.Dir(d))
		if !slices.Contains(tests[pkg], "testdata/"+path.Base(d)) {
			t.Errorf("%s: no test of %s compares it with its table (testkit.Golden)", d, pkg)
		}
	}
	for _, pkg := range tables {
		if !slices.ContainsFunc(diagrams, func(d string) bool { return path.Dir(d) == pkg+"/testdata" }) {
			t.Errorf("%s has a state table and no diagram: testkit.Golden(t, \"testdata/NAME.mmd\", table.Mermaid())", pkg)
		}
	}
}
