package chat

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Limits on one tag.
const (
	maxNesting = 48
	maxTerms   = 256
)

// refused are what no chat template needs and what could take any amount of time or memory in one step, or make a
// value contain itself. The reference implementation refuses the ones that change a list too.
var refused = []struct {
	what *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`\*\*`), "powers"},
	{regexp.MustCompile(`\.\s*(insert|update|extend|setdefault|format)\s*\(`), "changing a value in place, or format()"},
	{regexp.MustCompile(`\|\s*(unique|batch|format|center|wordwrap)\b`), "the filters unique, batch, format, center and wordwrap"},
}

var (
	timesNumber = regexp.MustCompile(`\*\s*(\d+)\b|\b(\d+)\s*\*`)
	product     = regexp.MustCompile(`\*`)
	leadingTag  = regexp.MustCompile(`^\s*(macro|call)\b`)
)

// lint refuses a tag that could do too much in one step.
func lint(body string) error {
	if len(body) > maxTag {
		return fmt.Errorf("a tag has %d bytes: there may be %d", len(body), maxTag)
	}
	code, depth := blanked(body)
	if depth > maxNesting {
		return fmt.Errorf("brackets are nested more than %d deep", maxNesting)
	}
	if n := strings.Count(code, "~") + strings.Count(code, "+"); n > maxTerms {
		return fmt.Errorf("an expression has %d terms: there may be %d", n, maxTerms)
	}
	for _, r := range refused {
		if r.what.MatchString(code) {
			return fmt.Errorf("%s are not supported", r.why)
		}
	}
	if product.MatchString(code) && !leadingTag.MatchString(code) {
		ok := timesNumber.FindAllStringSubmatch(code, -1)
		if len(ok) != len(product.FindAllString(code, -1)) {
			return fmt.Errorf("products are supported only with a small number: %.60q", body)
		}
		for _, m := range ok {
			if n, err := strconv.Atoi(m[1] + m[2]); err != nil || n > 128 {
				return fmt.Errorf("products are supported only with a small number: %.60q", body)
			}
		}
	}
	return nil
}

// blanked returns the code with the insides of its strings blanked, and how deep its brackets go.
func blanked(body string) (code string, deepest int) {
	b := []byte(body)
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\'', '"':
			end := stringEnd(body, i)
			if end < 0 {
				return string(b), deepest
			}
			for j := i + 1; j < end-1; j++ {
				b[j] = '_'
			}
			i = end - 1
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth--
		}
	}
	return string(b), deepest
}
