package main

import (
	"os"
	"strings"
	"testing"

	"rbee/internal/config"
)

func TestEveryHabitLeadsToACommand(t *testing.T) {
	root := newRoot(&terminal{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}, parts{}, config.New(os.Getenv))
	for word, there := range habits {
		if has(root, word) {
			t.Errorf("%s is a command", word)
		}
		words := strings.Fields(there)
		if c, rest, err := root.Find(words); err != nil || len(rest) > 0 && !strings.HasPrefix(rest[0], "-") || !c.Runnable() {
			t.Errorf("%s leads to rbee %s, which is none: %v %v", word, there, rest, err)
		}
	}
}
