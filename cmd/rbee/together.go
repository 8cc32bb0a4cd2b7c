package main

import (
	"fmt"
	"strings"
	"sync"

	"rbee/internal/api"
	"rbee/internal/ui"
)

// together shows what several nodes do at the same time: each line says whose it is, and one bar stands for all.
type together struct {
	say   *ui.Narrator
	nodes []string

	mu   sync.Mutex
	last map[string]api.Narration // progress, by node
}

// inOneBar is how many nodes have their own words beside the bar.
const inOneBar = 3

func newTogether(say *ui.Narrator, nodes []string) *together {
	return &together{say: say, nodes: nodes, last: map[string]api.Narration{}}
}

// of returns who narrates for one node. A node that is alone speaks for itself.
func (t *together) of(node string) func(api.Narration) {
	if len(t.nodes) == 1 {
		return t.say.Say
	}
	return func(n api.Narration) {
		if n.Kind != "load" || n.Progress == 0 {
			n.Text = node + ": " + n.Text
			t.say.Say(n)
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.last[node] = n
		n.Text, n.Progress = t.bar()
		t.say.Say(n)
	}
}

// bar is one line for all: how far each is, or, of many, the one that is behind.
func (t *together) bar() (text string, progress float64) {
	var words []string
	behind := ""
	for _, node := range t.nodes {
		n, ok := t.last[node]
		progress += n.Progress / float64(len(t.nodes))
		if !ok {
			continue
		}
		words = append(words, node+" "+inBrackets(n.Text))
		if behind == "" || n.Progress < t.last[behind].Progress {
			behind = node
		}
	}
	if len(words) > inOneBar {
		return fmt.Sprintf("%d nodes; behind is %s %s", len(words), behind, inBrackets(t.last[behind].Text)), progress
	}
	return strings.Join(words, " | "), progress
}

// inBrackets are the figures of a progress: "downloading x (1.0 of 2.0 MB, 1.0 MB/s, 1s left)".
func inBrackets(text string) string {
	from, to := strings.LastIndexByte(text, '('), strings.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return text
	}
	return text[from+1 : to]
}
