package openai

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rbee/internal/api"
)

// Limits beyond those of package api, which hold here too.
const (
	maxChoices   = 64 // n, and prompts times n
	maxInputs    = 2048
	maxTools     = 128
	maxLogprobs  = 20 // top_logprobs, as OpenAI has it
	maxBias      = 1024
	maxMetadata  = 16
	maxSchema    = 1 << 20 // bytes of a schema or a grammar
	maxUser      = 512
	maxKeepAlive = 365 * 24 * time.Hour
)

// first returns the first problem there is.
func first(all ...*Problem) *Problem {
	for _, p := range all {
		if p != nil {
			return p
		}
	}
	return nil
}

func whole(param string, v *int64, low, high int64) *Problem {
	switch {
	case v == nil || *v >= low && *v <= high:
		return nil
	case *v < low:
		return wrong(param, "integer_below_min_value", strconv.FormatInt(*v, 10), fmt.Sprintf("%d to %d", low, high))
	}
	return wrong(param, "integer_above_max_value", strconv.FormatInt(*v, 10), fmt.Sprintf("%d to %d", low, high))
}

func number(param string, v *float64, low, high float64) *Problem {
	switch {
	case v == nil || *v >= low && *v <= high:
		return nil
	case *v < low:
		return wrong(param, "decimal_below_min_value", decimal(*v), decimal(low)+" to "+decimal(high))
	}
	return wrong(param, "decimal_above_max_value", decimal(*v), decimal(low)+" to "+decimal(high))
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// quoted is a text that is shown to the client.
func quoted(s string) string {
	if s == "" {
		return "empty"
	}
	if len(s) > 60 {
		return strconv.Quote(shorten(s, 60)) + " (" + strconv.Itoa(len(s)) + " bytes)"
	}
	return strconv.Quote(s)
}

// line checks a short text without control characters.
func line(param, s string, most int) *Problem {
	if len(s) > most {
		return wrong(param, codeTooLong, strconv.Itoa(len(s))+" bytes long", "up to "+strconv.Itoa(most))
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return wrong(param, codeValue, quoted(s), "text without control characters")
	}
	return nil
}

// text refuses what the engine would read as something else: C cuts a text at a NUL. It is UTF-8: the decoder has seen
// to that.
func text(param, s string) *Problem {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return wrong(param, codeValue, fmt.Sprintf("text with a NUL at byte %d", i), "text without NUL")
	}
	if len(s) > api.MaxTextBytes {
		return wrong(param, codeTooLong, strconv.Itoa(len(s))+" bytes long", "up to "+strconv.Itoa(api.MaxTextBytes))
	}
	return nil
}

func list(param string, n, most int) *Problem {
	if n > most {
		return wrong(param, codeTooMany, strconv.Itoa(n)+" long", "up to "+strconv.Itoa(most))
	}
	return nil
}

func (s Stop) check() *Problem {
	if p := list("stop", len(s), api.MaxStops); p != nil {
		return p
	}
	for i, one := range s {
		param := "stop"
		if len(s) > 1 {
			param = fmt.Sprintf("stop[%d]", i)
		}
		if one == "" || len(one) > api.MaxStopBytes {
			return wrong(param, codeValue, quoted(one), fmt.Sprintf("1 to %d bytes", api.MaxStopBytes))
		}
		if p := text(param, one); p != nil {
			return p
		}
	}
	return nil
}

// check allows up to most prompts, none of them empty.
func (ps Prompts) check(param string, most int) *Problem {
	if ps == nil {
		return missing(param)
	}
	if len(ps) == 0 {
		return wrong(param, codeEmpty, "an empty array", "one prompt at least")
	}
	if p := list(param, len(ps), most); p != nil {
		return p
	}
	total := 0
	for i, one := range ps {
		at := param
		if len(ps) > 1 {
			at = fmt.Sprintf("%s[%d]", param, i)
		}
		if one.Text == "" && len(one.Tokens) == 0 {
			return wrong(at, codeValue, "empty", "some text")
		}
		if p := text(at, one.Text); p != nil {
			return p
		}
		for j, t := range one.Tokens {
			if t < 0 {
				return wrong(fmt.Sprintf("%s[%d]", at, j), "integer_below_min_value", strconv.Itoa(int(t)), "a token's number")
			}
		}
		total += len(one.Text) + 4*len(one.Tokens)
	}
	if total > api.MaxTextBytes {
		return wrong(param, codeTooLong, strconv.Itoa(total)+" bytes long", "up to "+strconv.Itoa(api.MaxTextBytes))
	}
	return nil
}

// name checks a word that a grammar or a template will write: a tool's, a schema's.
func name(param, s string) *Problem {
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
	}
	if s == "" {
		return missing(param)
	}
	if len(s) > 64 || strings.ContainsFunc(s, odd) || !utf8.ValidString(s) {
		return wrong(param, codeValue, quoted(s), "1 to 64 letters, digits, _ and -")
	}
	return nil
}
