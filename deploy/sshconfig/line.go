package sshconfig

import (
	"errors"
	"strings"
)

const blank = " \t\r"

// next cuts the first word off a line as OpenSSH's strdelim does: words end at blanks, or at one '=' with blanks
// around it; a word in double quotes may hold both.
func next(s string) (word, rest string) {
	s = strings.TrimLeft(s, blank)
	if strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return "", ""
		}
		return s[1 : 1+end], strings.TrimLeft(s[end+2:], blank)
	}
	i := strings.IndexAny(s, blank+"=")
	if i < 0 {
		return s, ""
	}
	word, rest = s[:i], strings.TrimLeft(s[i:], blank)
	if after, ok := strings.CutPrefix(rest, "="); ok {
		rest = strings.TrimLeft(after, blank)
	}
	return word, rest
}

var errQuotes = errors.New("a quote is never closed")

// split cuts a value into words: quotes of both kinds, a backslash before a quote, a backslash or a blank, and a
// comment from a '#' that begins a word.
func split(s string) ([]string, error) {
	var words []string
	for {
		s = strings.TrimLeft(s, blank)
		if s == "" || s[0] == '#' {
			return words, nil
		}
		var word strings.Builder
		quote := byte(0)
		i := 0
	word:
		for ; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\\' && i+1 < len(s) && (strings.IndexByte(`'"\`, s[i+1]) >= 0 || quote == 0 && s[i+1] == ' '):
				i++
				word.WriteByte(s[i])
			case quote == 0 && strings.IndexByte(blank, c) >= 0:
				break word
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote != 0 && c == quote:
				quote = 0
			default:
				word.WriteByte(c)
			}
		}
		if quote != 0 {
			return nil, errQuotes
		}
		words = append(words, word.String())
		s = s[i:]
	}
}
