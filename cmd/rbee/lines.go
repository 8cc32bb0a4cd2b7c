package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/peterh/liner"

	"rbee/internal/config"
)

// errSignal ends a read that a signal interrupted.
var errSignal = errors.New("interrupted by a signal")

const (
	linePrompt = ">>> "
	morePrompt = "... "
	// textMark begins and ends a text of several lines.
	textMark = `"""`
)

// lines reads what a person types, with editing and a history that is kept for the next time.
type lines struct {
	file string // of the history; "" = it is not kept
}

func openLines(env config.Env) *lines {
	l := &lines{}
	if state, err := env.StateDir(); err == nil {
		l.file = filepath.Join(state, "history")
	}
	return l
}

// read returns the next line, or the next text between marks. The terminal is the editor's only meanwhile, so that
// Ctrl-C in an answer is a signal. A signal that comes here is asked about: ended says whether it ends the read, and
// otherwise what to wait for from then on.
func (l *lines) read(signal <-chan struct{}, ended func() (<-chan struct{}, bool)) (string, error) {
	editor := liner.NewLiner()
	editor.SetCtrlCAborts(true)
	editor.SetMultiLineMode(true)
	if b, err := os.ReadFile(l.file); err == nil {
		_, _ = editor.ReadHistory(bytes.NewReader(b))
	}
	type result struct {
		text string
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text, err := l.text(editor)
		read <- result{text, err}
	}()
	for over := false; !over; {
		select {
		case r := <-read:
			if r.err == nil && strings.TrimSpace(r.text) != "" && !strings.Contains(r.text, "\n") {
				editor.AppendHistory(r.text)
				l.keep(editor)
			}
			_ = editor.Close() // gives the terminal back
			return r.text, r.err
		case <-signal:
			signal, over = ended()
		}
	}
	_ = editor.Close() // the read dies with us
	return "", errSignal
}

func (l *lines) text(editor *liner.State) (string, error) {
	line, err := editor.Prompt(linePrompt)
	rest, several := strings.CutPrefix(strings.TrimSpace(line), textMark)
	if err != nil || !several {
		return line, err
	}
	for all := rest; ; {
		if text, over := strings.CutSuffix(strings.TrimRight(all, " "), textMark); over {
			return text, nil
		}
		line, err := editor.Prompt(morePrompt)
		if err != nil {
			return "", err
		}
		all += "\n" + line
	}
}

// keep writes the history, whole, for the user's eyes only. One that cannot be kept is no reason to say anything.
func (l *lines) keep(editor *liner.State) {
	if l.file == "" {
		return
	}
	var b bytes.Buffer
	if _, err := editor.WriteHistory(&b); err != nil {
		return
	}
	if os.MkdirAll(filepath.Dir(l.file), 0o700) != nil {
		return
	}
	next := l.file + ".new"
	if os.WriteFile(next, b.Bytes(), 0o600) == nil {
		_ = os.Rename(next, l.file)
	}
}
