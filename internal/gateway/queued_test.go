package gateway

import (
	"testing"

	"rbee/messages"
)

func TestAPlaceInLineIsToldInWords(t *testing.T) {
	for want, q := range map[string]*messages.Queued{
		"waiting: 1st of 1, about 1 s":     {Position: 1, Waiting: 1, EtaMs: 0},
		"waiting: 2nd of 7, about 13 s":    {Position: 2, Waiting: 7, EtaMs: 12001},
		"waiting: 3rd of 100":              {Position: 3, Waiting: 100, EtaMs: -1},
		"waiting: 11th of 12, about 9 s":   {Position: 11, Waiting: 12, EtaMs: 9000},
		"waiting: 21st of 100, about 1 s":  {Position: 21, Waiting: 100, EtaMs: 10},
		"waiting: 113th of 200, about 2 s": {Position: 113, Waiting: 200, EtaMs: 2000},
	} {
		if got := queuedText(q); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
