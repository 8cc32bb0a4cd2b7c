package config

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a text of the file may be. Each returns what is allowed if s is not, else "".

var workerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

var devicePattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}(:[A-Za-z0-9._-]{1,63})?$`)

func deviceProblem(s string) string {
	if !devicePattern.MatchString(s) {
		return "a device like cpu, cuda:0 or metal"
	}
	return ""
}

func pathProblem(s string) string {
	if !path.IsAbs(s) && !strings.HasPrefix(s, "~/") || len(s) > 4096 || !oneLine(s) {
		return "an absolute path, or one that begins with ~/"
	}
	return ""
}

func argProblem(s string) string {
	if len(s) > 1<<16 || strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		return "text without NUL"
	}
	return ""
}

func modelProblem(s string) string {
	if s == "" || len(s) > 4096 || !oneLine(s) {
		return "a model: hf:org/repo/file.gguf, file:///path, or a path"
	}
	return ""
}

func nodesProblem(s string) string {
	all := strings.Split(s, ",")
	for _, one := range all {
		if one == "" || len(one) > 255 || len(all) > 64 || !oneLine(one) || strings.ContainsFunc(one, unicode.IsSpace) {
			return "a node, or up to 64 with commas"
		}
	}
	return ""
}

func oneLine(s string) bool {
	return !strings.ContainsFunc(s, unicode.IsControl) && utf8.ValidString(s)
}

// shown is a value as an error shows it.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		if v == "" {
			return "empty"
		}
		return strconv.Quote(shortened(v, 80))
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return shortened(fmt.Sprint(v), 80)
}

// shortened cuts s after most bytes.
func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "..."
}

var bareKey = regexp.MustCompile(`^([A-Za-z0-9_-]+|\[[0-9]+\])$`)

// written is one part of a key as TOML takes it; an element's [2] stays as it is.
func written(part string) string {
	if bareKey.MatchString(part) {
		return part
	}
	return quoted(part)
}

// element is the part of a key that is the i-th of a list.
func element(i int) string { return "[" + strconv.Itoa(i) + "]" }

// quoted is s as a basic string of TOML, on one line.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func workerProblem(s string) string {
	if !workerPattern.MatchString(s) {
		return "a kind of worker: letters, digits, dot, dash and underscore, 64 at most"
	}
	return ""
}
