package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"rbee/internal/api"
	"rbee/internal/ui"
)

// promptSource says where the prompt was to come from.
type promptSource struct {
	text    string // --prompt
	given   bool
	file    string // --prompt-file
	hasFile bool
	dash    bool // the argument -
	raw     bool
}

// read returns the prompt. It may block on stdin for as long as nobody ends that.
func (s promptSource) read(stdin *os.File) (string, error) {
	if s.given && s.hasFile {
		return "", usagef("--prompt and --prompt-file are both given").hint("leave one of them out")
	}
	if s.dash && (s.given && s.text != "-" || s.hasFile && s.file != "-") {
		return "", usagef("the prompt is given twice: as a flag, and as - from stdin").hint("leave one of them out")
	}
	switch {
	case s.given && s.text != "-":
		return s.check("--prompt", s.text)
	case s.hasFile && s.file != "-":
		f, err := os.Open(s.file)
		if err != nil {
			return "", unreadable(s.file, err)
		}
		defer f.Close()
		return s.from(f, s.file)
	case !s.given && !s.hasFile && !s.dash && ui.IsTerminal(stdin):
		return "", usagef("there is no prompt").
			hint(`give one with --prompt "...", --prompt-file FILE, or on stdin; - reads what you type until Ctrl-D`)
	}
	return s.from(stdin, "stdin")
}

// from reads a prompt of a file, less the line end that editors and echo put behind it; with --raw every byte
// counts.
func (s promptSource) from(f *os.File, name string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(f, api.MaxTextBytes+1))
	if err != nil {
		return "", unreadable(name, err)
	}
	if len(b) > api.MaxTextBytes {
		return "", usagef("the prompt from %s is too long, allowed is up to %d bytes", name, api.MaxTextBytes).
			hint("is %s the file you meant?", name)
	}
	text := string(b)
	if !s.raw {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	}
	return s.check("the prompt from "+name, text)
}

func (s promptSource) check(what, text string) (string, error) {
	if text == "" || !s.raw && strings.TrimSpace(text) == "" {
		return "", usagef("%s is empty, allowed is some text", what).
			hint(`give a prompt with --prompt "...", --prompt-file FILE, or on stdin`)
	}
	if !utf8.ValidString(text) {
		return "", usagef("%s is not UTF-8: the first broken byte is at offset %d", what, broken(text)).
			hint("convert it first, for instance with iconv -t UTF-8")
	}
	return text, nil
}

func broken(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd") {
			return i
		}
	}
	return len(s)
}

func unreadable(name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return usagef("cannot read the prompt from %s: %v", name, err).hint("check the path and its permissions")
}
