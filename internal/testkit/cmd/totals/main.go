// Totals reads the event stream of go test -json and prints what a person wants of it: a line for each package,
// the output of what failed, and at the end the totals; with -o these go to a file instead, as "passed failed".
//
//	go test -json ./... | totals [-o FILE] [-min N]
//
// It fails if a test failed, if one was skipped (a helper that is missing is a failure, not an excuse), if a
// package did not build, or if fewer than N tests ran. One reason to skip is taken, from users other than root: what
// begins with "left out, since it needs root: " is listed once, at the end, and is neither passed nor failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	file := flag.String("o", "", "write the totals to this `file`")
	least := flag.Int("min", 1, "fail if fewer tests ran")
	flag.Parse()

	t, err := read(os.Stdin, os.Stdout, os.Geteuid() == 0)
	if err == nil && t.passed+t.failed < *least {
		err = fmt.Errorf("%d tests ran, at least %d should", t.passed+t.failed, *least)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "totals:", err)
		t.failed++
	}
	t.sayLeftOut(os.Stdout)
	if *file == "" {
		fmt.Printf("%d passed, %d failed\n", t.passed, t.failed)
	} else if err := os.WriteFile(*file, fmt.Appendf(nil, "%d %d\n", t.passed, t.failed), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, "totals:", err)
		t.failed++
	}
	if t.failed > 0 {
		os.Exit(1)
	}
}

// event is what test2json writes (go doc test2json).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	ImportPath  string // of build-output
	FailedBuild string
}

type totals struct {
	passed, failed int
	leftOut        map[string][]string // what was missing -> the tests that had to do without
	root           bool

	output   map[string]*strings.Builder // package and test -> what it said, until it is known whether anybody wants it
	failedIn map[string]bool             // packages with a failed test, whose own failure is no further one
}

// read counts the tests and subtests in the events of r and writes the lines worth reading to w.
func read(r io.Reader, w io.Writer, root bool) (*totals, error) {
	t := &totals{root: root, leftOut: map[string][]string{}, output: map[string]*strings.Builder{}, failedIn: map[string]bool{}}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil || e.Action == "" {
				w.Write(line) // not an event: something printed to the same stream
			} else {
				t.count(e, w)
			}
		}
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return t, err
		}
	}
}

func (t *totals) count(e event, w io.Writer) {
	key := e.Package + " " + e.Test
	switch {
	case e.Action == "build-output":
		io.WriteString(w, e.Output)
	case e.Action == "output" && e.Test == "" && !onlyIfFailed(e.Output):
		if worth(e.Output) {
			io.WriteString(w, e.Output)
		}
	case e.Action == "output":
		if t.output[key] == nil {
			t.output[key] = &strings.Builder{}
		}
		t.output[key].WriteString(e.Output)
	case e.Test == "" && e.Action == "fail":
		if !t.failedIn[e.Package] { // did not build, or died outside a test
			t.failed++
		}
		t.unfinished(e.Package, w)
	case e.Test != "" && e.Action == "pass":
		t.passed++
		delete(t.output, key)
	case e.Test != "" && e.Action == "skip" && !t.root && t.needs(key) != "":
		t.leftOut[t.needs(key)] = append(t.leftOut[t.needs(key)], key)
		delete(t.output, key)
	case e.Test != "" && (e.Action == "fail" || e.Action == "skip"):
		t.failed++
		t.failedIn[e.Package] = true
		if e.Action == "skip" {
			fmt.Fprintf(w, "skipped, which counts as failed: %s %s\n", e.Package, e.Test)
		}
		t.say(key, w)
	}
}

// needsRoot begins the reason for a skip that is taken from users other than root.
const needsRoot = "left out, since it needs root: "

// needs is what a skipped test says that it needs root for; "" if it has another reason.
func (t *totals) needs(key string) string {
	if o := t.output[key]; o != nil {
		if _, what, ok := strings.Cut(o.String(), needsRoot); ok {
			what, _, _ = strings.Cut(what, "\n")
			return what
		}
	}
	return ""
}

// sayLeftOut lists what nobody but root could test.
func (t *totals) sayLeftOut(w io.Writer) {
	for _, what := range slices.Sorted(maps.Keys(t.leftOut)) {
		tests := t.leftOut[what]
		slices.Sort(tests)
		fmt.Fprintf(w, "%s%s (%d):\n\t%s\n", needsRoot, what, len(tests), strings.Join(tests, "\n\t"))
	}
}

// unfinished says what is left of a package that failed: the seed it was shuffled with, and the last words of tests
// that never ended because their process did.
func (t *totals) unfinished(pkg string, w io.Writer) {
	for _, key := range slices.Sorted(maps.Keys(t.output)) {
		if p, test, _ := strings.Cut(key, " "); p == pkg {
			if test != "" {
				fmt.Fprintf(w, "never ended: %s %s\n", pkg, test)
			}
			t.say(key, w)
		}
	}
}

func (t *totals) say(key string, w io.Writer) {
	if o := t.output[key]; o != nil {
		io.WriteString(w, o.String())
		delete(t.output, key)
	}
}

// onlyIfFailed is the seed of -shuffle, which is needed to repeat a failure and noise otherwise.
func onlyIfFailed(line string) bool { return strings.HasPrefix(line, "-test.shuffle ") }

// worth leaves out the package-level lines that say nothing: PASS, and packages without tests.
func worth(line string) bool {
	return line != "PASS\n" && !strings.Contains(line, "[no test files]") && !strings.Contains(line, "[no tests to run]")
}
