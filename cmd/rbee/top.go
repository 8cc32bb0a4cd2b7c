package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/ui"
)

// topTime is how often the screen is drawn anew.
const topTime = 500 * time.Millisecond

func newTop(t *terminal, cfg *settings) *cobra.Command {
	var s *runningQueen
	c := &cobra.Command{
		Use:   "top",
		Short: "Watch what runs, live",
		Long:  `top shows what rbee ps shows, twice a second, until q or Ctrl-C.`,
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if !ui.IsTerminal(t.stdout) || !ui.IsTerminal(t.stdin) {
				return usagef("top draws on a terminal, and stdin or stdout is none").hint("rbee ps prints the same once, rbee ps --json for programs")
			}
			d, err := s.find(c.Context())
			if err != nil {
				return err
			}
			defer d.Kill()
			m := &top{client: api.NewClient(d.client), version: d.version}
			if _, err := tea.NewProgram(m, tea.WithContext(c.Context()), tea.WithInput(t.stdin), tea.WithOutput(t.stdout)).Run(); err != nil && !errors.Is(err, tea.ErrInterrupted) {
				return err
			}
			return m.err
		},
	}
	s = newRunningQueen(t, cfg, c)
	return c
}

// top is what the screen shows: bubbletea's model.
type top struct {
	client        *api.Client
	version       api.Version
	now           snapshot
	at            time.Time // of the snapshot
	width, height int
	err           error
}

// looked is a new snapshot, or why there is none.
type looked struct {
	snapshot snapshot
	err      error
}

// Init implements tea.Model.
func (m *top) Init() tea.Cmd { return m.look }

func (m *top) look() tea.Msg {
	ctx, cancel := context.WithTimeout(context.Background(), daemonAnswer)
	defer cancel()
	s, err := takeSnapshot(ctx, m.client)
	return looked{s, err}
}

// Update implements tea.Model.
func (m *top) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		}
	case looked:
		if msg.err != nil {
			m.err = fault.Wrap(fault.QueenLost, msg.err, "the queen, pid %d, does not answer any more: %v", m.version.PID, root(msg.err)).
				WithHint("rbee queen status says whether it runs")
			return m, tea.Quit
		}
		m.now, m.at = msg.snapshot, time.Now()
		return m, tea.Tick(topTime, func(time.Time) tea.Msg { return m.look() })
	}
	return m, nil
}

// View implements tea.Model.
func (m *top) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	return v
}

// screen is the text of the whole screen, cut to its size.
func (m *top) screen() string {
	var b strings.Builder
	fmt.Fprintf(&b, "queen-rbee %s, pid %d, up %s: %s\n\n", m.version.Version, m.version.PID, age(m.at.Sub(m.version.Started)), m.now.totals())
	_ = m.now.write(&b, m.at) // a Builder takes everything
	b.WriteString("\nq quits")
	lines := strings.Split(b.String(), "\n")
	if m.height > 0 && len(lines) > m.height {
		lines = append(lines[:m.height-1], fmt.Sprintf("... %d more lines; q quits", len(lines)-m.height+1))
	}
	for i, l := range lines {
		if r := []rune(l); m.width > 0 && len(r) > m.width {
			lines[i] = string(r[:m.width])
		}
	}
	return strings.Join(lines, "\n")
}

// totals is all of a snapshot in a line.
func (s snapshot) totals() string {
	speed, waiting := 0., 0
	for _, r := range s.Requests {
		if r.Worker == "" {
			waiting++
		} else {
			speed += r.TokensPerSecond
		}
	}
	return fmt.Sprintf("%s, %s, %s answering, %d waiting, %.0f tok/s", plural(len(s.Nodes), "node"), plural(len(s.Workers), "worker"),
		plural(len(s.Requests)-waiting, "request"), waiting, speed)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
