package hive

import (
	"fmt"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

func modelText(f Found) string {
	return fmt.Sprintf("model %s: %s (%s)", f.Name, f.Path, size(f.Size))
}

// size prints bytes in decimal units, as model files are named.
func size(n int64) string {
	switch {
	case n >= 1e8:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e5:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d bytes", n)
}

// startText says which device was chosen, and why it is not a better one.
func startText(p plan) string {
	text := "starting worker (" + p.Device.ID
	for _, passed := range p.Passed {
		text += "; " + passed
	}
	if p.warning != "" {
		text += "; " + p.warning
	}
	return text + ")"
}

func readyText(m *messages.Loaded) string {
	return fmt.Sprintf("ready in %.0f ms", m.GetLoadMs())
}

func count(verb string, n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%s %d %s", verb, n, noun)
}

func forcedText(d supervisor.LinkDown) string {
	if d.Asked {
		return ""
	}
	return " (" + d.Cause + ")"
}

// crashed explains a worker's death that nobody asked for.
func crashed(s *slot, d supervisor.LinkDown, node string) *fault.Error {
	if d.Err != nil {
		return fault.From(d.Err).With("node", node)
	}
	f := fault.New(fault.WorkerCrashed, "worker %s on %s died: %s", transport.Base(s.link.Address), node, d.Cause).
		With("node", node).With("cause", d.Cause).With("pid", d.Ends[0].GetPid())
	if words := s.link.LastWords(); len(words) > 0 {
		_ = f.With("stderr", words)
	}
	return f.WithHint("%s", lastWords(s.link))
}

func lastWords(l *supervisor.Link) string {
	words := l.LastWords()
	if len(words) == 0 {
		return "it left no message on its stderr"
	}
	return "its last words: " + strings.Join(words[max(0, len(words)-3):], " | ")
}
