package chat

import (
	"fmt"
	"regexp"
	"strings"
)

// The library that runs templates has no limits of its own, and a template comes from whoever made the model. So what
// a template could use without end is watched by calls that are written into its source before it is compiled:
//
//   - each round of a loop pays for itself and for the text in its body (guardTick),
//   - each macro counts how deep it is called (guardEnter, guardLeave) and shows its arguments,
//   - each value that gets a name is measured, and must not contain itself (guardSize),
//   - each expression that is written out pays for its text (guardOut).
//
// What could do much in one step is refused (lint.go) or replaced by our own (rewrite.go). White space is settled
// before (trim.go), and texts are written as strings, so that no rule applies to them twice.
const (
	guardPrefix = "rbee_"
	guardTick   = guardPrefix + "tick"
	guardEnter  = guardPrefix + "enter"
	guardLeave  = guardPrefix + "leave"
	guardSize   = guardPrefix + "size"
	guardOut    = guardPrefix + "out"
	guardBlank  = guardPrefix + "t" // takes the guards' results
)

// Limits on a template's source.
const (
	maxSource = 512 << 10
	maxTag    = 16 << 10
	maxBlocks = 64 // inside each other
)

// guarded returns the source with the guards in it.
func guarded(source string) (string, error) {
	if len(source) > maxSource {
		return "", fmt.Errorf("it has %d bytes: there may be %d", len(source), maxSource)
	}
	if strings.Contains(source, guardPrefix) {
		return "", fmt.Errorf("names that begin with %q are not its own", guardPrefix)
	}
	source = strings.ReplaceAll(source, "\r\n", "\n")
	tags, err := split(strings.TrimSuffix(source, "\n"))
	if err != nil {
		return "", err
	}
	tags = trim(tags)
	g := guarder{texts: loopTexts(tags)}
	for i, t := range tags {
		if err := g.write(i, t); err != nil {
			return "", err
		}
	}
	return g.out.String(), nil
}

type guarder struct {
	out   strings.Builder
	texts map[int]int
	sets  []string // the names of the set blocks that are open
	depth int
}

func (g *guarder) statement(format string, args ...any) {
	fmt.Fprintf(&g.out, "{%% "+format+" %%}", args...)
}

func (g *guarder) call(guard string, args ...string) {
	g.statement("set %s = %s(%s)", guardBlank, guard, strings.Join(args, ", "))
}

func (g *guarder) write(i int, t tag) error {
	if t.kind == 0 {
		g.out.WriteString("{{ " + literal(t.body) + " }}")
		return nil
	}
	if err := lint(t.body); err != nil {
		return err
	}
	word, rest := t.word(), t.rest()
	if openers[word] {
		g.depth++
	} else if strings.HasPrefix(word, "end") && openers[word[3:]] {
		g.depth--
	}
	if g.depth > maxBlocks {
		return fmt.Errorf("blocks are nested more than %d deep", maxBlocks)
	}
	switch word {
	case "":
		g.out.WriteString("{{ " + guardOut + "(" + rewrite(t.body) + ") }}")
	case "for":
		g.statement("for %s", rewrite(pairCondition(rest)))
		g.call(guardTick, fmt.Sprint(g.texts[i]))
	case "macro":
		g.statement("macro %s", rewrite(rest))
		g.call(guardEnter, parameters(rest)...)
	case "endmacro":
		g.call(guardLeave)
		g.statement("endmacro")
	case "generation", "endgeneration": // marks for training; what is inside them is written
	case "set":
		return g.set(rest)
	case "endset":
		if len(g.sets) == 0 {
			return fmt.Errorf("an endset without a set")
		}
		g.statement("endset")
		g.call(guardSize, g.sets[len(g.sets)-1])
		g.sets = g.sets[:len(g.sets)-1]
	default:
		g.statement("%s %s", word, rewrite(rest))
	}
	return nil
}

func (g *guarder) set(rest string) error {
	name, value, assigned := strings.Cut(rest, "=")
	name = strings.TrimSpace(name)
	if !nameOf.MatchString(name) {
		return fmt.Errorf("a set of %.40q is not supported", name)
	}
	if assigned {
		g.statement("set %s = %s", name, rewrite(value))
		g.call(guardSize, name)
		return nil
	}
	if g.sets = append(g.sets, name); len(g.sets) > maxBlocks {
		return fmt.Errorf("blocks are nested more than %d deep", maxBlocks)
	}
	g.statement("set %s", name)
	return nil
}

// openers are the statements that may need an end; a set does only sometimes.
var openers = map[string]bool{"for": true, "if": true, "macro": true, "call": true, "filter": true}

var nameOf = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$`)

// parameters are the names in a macro's parentheses.
func parameters(rest string) []string {
	_, list, _ := strings.Cut(rest, "(")
	var names []string
	for _, p := range topLevel(strings.TrimSuffix(strings.TrimSpace(list), ")")) {
		name, _, _ := strings.Cut(p, "=")
		if name = strings.TrimSpace(name); nameOf.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// topLevel cuts at commas outside brackets and strings.
func topLevel(s string) []string {
	var out []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '"':
			end := stringEnd(s, i)
			if end < 0 {
				return append(out, s[start:])
			}
			i = end - 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				out, start = append(out, s[start:i]), i+1
			}
		}
	}
	return append(out, s[start:])
}

// loopTexts returns how many bytes of text the body of each loop has, by the index of its tag.
func loopTexts(tags []tag) map[int]int {
	size := map[int]int{}
	var open []int
	for i, t := range tags {
		if len(open) > maxBlocks {
			break // refused elsewhere
		}
		for _, o := range open {
			if t.kind == 0 {
				size[o] += len(t.body)
			}
		}
		switch t.word() {
		case "for":
			open = append(open, i)
		case "endfor":
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	return size
}
