package main

import (
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/near"
)

// habits are words that people bring along from ollama, docker, kubectl and systemctl, and what does the same here.
// What a command of ours merely resembles would mislead: nobody who types rm means run.
var habits = map[string]string{
	"ask":      "infer",
	"chat":     "run",
	"complete": "infer",
	"daemon":   "queen start",
	"delete":   "model rm",
	"down":     "queen stop",
	"download": "model pull",
	"generate": "infer",
	"images":   "model ls",
	"info":     "model info",
	"inspect":  "model info",
	"install":  "engine install",
	"kill":     "stop",
	"list":     "model ls",
	"ls":       "model ls",
	"pull":     "model pull",
	"push":     "model pull --push",
	"remove":   "model rm",
	"restart":  "queen restart",
	"rm":       "model rm",
	"serve":    "queen start",
	"show":     "model info",
	"start":    "queen start",
	"trust":    "node trust",
	"up":       "queen start",
}

// meant is the command that word was probably to be, without the path of c; "" if there is no telling.
func meant(c *cobra.Command, word string) string {
	word = strings.ToLower(word)
	if there, ok := habits[word]; ok {
		if !c.HasParent() {
			return there
		}
		if _, ours, ok := strings.Cut(there, " "); ok && has(c, ours) { // rbee model delete, rbee node show
			return ours
		}
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return near.Word(word, names...)
}

func has(c *cobra.Command, name string) bool {
	for _, sub := range c.Commands() {
		if sub.Name() == name {
			return true
		}
	}
	return false
}
