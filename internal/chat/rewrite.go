package chat

import (
	"regexp"
	"strconv"
	"strings"
)

// A template's expressions are rewritten where the library means something else by them than the reference does, or
// where it does in one step what has no bound: filters and methods of these names become calls of functions.go's.
var (
	ourFilters = regexp.MustCompile(`\|(\s*)(tojson|string|replace|join|indent|trim|items)\b`)
	ourMethods = regexp.MustCompile(`\.\s*(items|keys|values|split|rsplit|replace|join|strip|lstrip|rstrip)\s*\(`)
)

// rewrite returns a tag's body with our functions in it.
func rewrite(body string) string {
	code, _ := blanked(body)
	var out strings.Builder
	last := 0
	put := func(from, to int, with string) {
		out.WriteString(literals(body[last:from]) + with)
		last = to
	}
	for i := 0; i < len(code); i++ {
		if code[i] != '|' && code[i] != '.' {
			continue
		}
		if m := ourFilters.FindStringSubmatchIndex(code[i:]); m != nil && m[0] == 0 {
			put(i, i+m[5], "|"+guardPrefix+code[i+m[4]:i+m[5]])
		} else if m := ourMethods.FindStringSubmatchIndex(code[i:]); m != nil && m[0] == 0 && !(i > 0 && code[i-1] >= '0' && code[i-1] <= '9') {
			put(i, i+m[1], "|"+guardPrefix+"m_"+code[i+m[2]:i+m[3]]+"(")
		}
	}
	return out.String() + literals(body[last:])
}

// literals writes the strings in a piece of code with those escapes only that the library knows.
func literals(code string) string {
	var out strings.Builder
	for {
		at := strings.IndexAny(code, `'"`)
		if at < 0 {
			return out.String() + code
		}
		end := stringEnd(code, at)
		if end < 0 {
			return out.String() + code
		}
		out.WriteString(code[:at] + literal(unescaped(code[at+1:end-1])))
		code = code[end:]
	}
}

// literal is a text as a string of the template's language.
func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(text) + "'"
}

// unescaped reads the escapes of a string as Python does.
func unescaped(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		simple := map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\n': ""}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		if text, ok := simple[s[i]]; ok {
			out.WriteString(text)
		} else if n, err := strconv.ParseUint(s[min(i+1, len(s)):min(i+1+digits, len(s))], 16, 32); digits > 0 && err == nil {
			out.WriteRune(rune(n))
			i += digits
		} else {
			out.WriteString(s[i-1 : i+1])
		}
	}
	return out.String()
}

var pairLoop = regexp.MustCompile(`(?s)^\s*([A-Za-z_]\w*)\s*,\s*([A-Za-z_]\w*)\s+in\s`)

// pairCondition helps a loop over pairs that has a condition: while the library tests it, only the second name is
// set, and to the pair.
func pairCondition(rest string) string {
	m := pairLoop.FindStringSubmatch(rest)
	code, _ := blanked(rest)
	at := topLevelWord(code, "if")
	if m == nil || at < 0 {
		return rest
	}
	condition := code[at:]
	original := rest[at:]
	var out strings.Builder
	last := 0
	for _, w := range words.FindAllStringIndex(condition, -1) {
		word := condition[w[0]:w[1]]
		index := map[string]string{m[1]: "[0]", m[2]: "[1]"}[word]
		if index == "" || w[0] > 0 && condition[w[0]-1] == '.' || insideString(original, w[0]) {
			continue
		}
		out.WriteString(original[last:w[0]] + m[2] + index)
		last = w[1]
	}
	return rest[:at] + out.String() + original[last:]
}

var words = regexp.MustCompile(`[A-Za-z_]\w*`)

// topLevelWord returns where a word stands outside brackets and strings, -1 if it does not.
func topLevelWord(code, word string) int {
	for _, w := range words.FindAllStringIndex(code, -1) {
		if code[w[0]:w[1]] == word && !insideString(code, w[0]) && strings.Count(code[:w[0]], "(") == strings.Count(code[:w[0]], ")") &&
			strings.Count(code[:w[0]], "[") == strings.Count(code[:w[0]], "]") {
			return w[0]
		}
	}
	return -1
}

func insideString(code string, at int) bool {
	for i := 0; i < at; i++ {
		if code[i] == '\'' || code[i] == '"' {
			end := stringEnd(code, i)
			if end < 0 || end > at {
				return true
			}
			i = end - 1
		}
	}
	return false
}
