package main

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"rbee/internal/api"
)

func TestTopFitsItsScreen(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	s := snapshot{Nodes: []api.Node{{Name: "localhost", State: "connected"}}}
	for range 40 {
		s.Workers = append(s.Workers, api.Worker{Address: "queen.1~hive-localhost.1~worker-0.1", Node: "localhost", Model: strings.Repeat("long", 40), State: "idle", LastActivity: at})
	}
	s.Requests = []api.Request{{ID: "r1", State: "queued", Position: 3, EtaMS: 12000, Arrived: at}}
	m := &top{version: api.Version{Started: at}}
	m.Update(tea.WindowSizeMsg{Width: 60, Height: 20})
	m.Update(looked{snapshot: s})
	lines := strings.Split(m.screen(), "\n")
	if len(lines) != 20 || !strings.HasPrefix(lines[19], "... ") || !strings.HasSuffix(lines[19], " more lines; q quits") {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
	for _, l := range lines {
		if len([]rune(l)) > 60 {
			t.Errorf("a line of %d columns: %q", len([]rune(l)), l)
		}
	}
	if !strings.Contains(lines[0], "1 node, 40 workers, 0 requests") {
		t.Errorf("the first line is cut wrongly: %q", lines[0])
	}
	m.Update(tea.WindowSizeMsg{Width: 200, Height: 100})
	if s := m.screen(); !strings.Contains(s, "place 3, about 12s") || !strings.Contains(s, "1 waiting") {
		t.Errorf("a waiting request is not shown:\n%s", s)
	}
}

func TestTopEndsWhenTheQueenIsLost(t *testing.T) {
	m := &top{version: api.Version{PID: 7}}
	if _, next := m.Update(looked{err: errSignal}); next == nil || m.err == nil || !strings.Contains(m.err.Error(), "pid 7") {
		t.Errorf("goes on, with %v", m.err)
	}
}
