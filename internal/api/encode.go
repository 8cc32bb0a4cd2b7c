package api

import (
	"encoding/json"
	"unicode/utf8"
)

// Tokens are the one thing that is written thousands of times a second, so they are put together by hand (about
// 30 ns each); everything else goes through encoding/json.

// AppendToken appends a token event.
func AppendToken(b []byte, text string) []byte {
	b = append(b, "event: token\ndata: {\"text\":"...)
	b = AppendString(b, text)
	return append(b, "}\n\n"...)
}

// AppendEvent appends an event with v as its data. A value that JSON cannot hold becomes an empty object: there
// is none among the types of this package.
func AppendEvent(b []byte, k Kind, v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		data = []byte("{}")
	}
	b = append(b, "event: "...)
	b = append(b, k...)
	b = append(b, "\ndata: "...)
	b = append(b, data...)
	return append(b, "\n\n"...)
}

// AppendKeepalive appends a comment, which clients skip. Writing it is how a dead one is noticed. It has no empty
// line of its own: an empty line always ends an event, which Stream.Waiting relies on.
func AppendKeepalive(b []byte) []byte { return append(b, ":\n"...) }

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n != 1 {
				i += n
				continue
			}
			b = append(append(b, s[start:i]...), "\ufffd"...)
			i++
			start = i
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
