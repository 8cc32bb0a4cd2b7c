package gateway

import (
	"fmt"
	"math"

	"rbee/messages"
)

// queuedText says which place a request has: "waiting: 3rd of 7, about 12 s".
func queuedText(q *messages.Queued) string {
	text := fmt.Sprintf("waiting: %s of %d", ordinal(q.GetPosition()), q.GetWaiting())
	if ms := q.GetEtaMs(); ms >= 0 {
		text += fmt.Sprintf(", about %.0f s", max(1, math.Ceil(float64(ms)/1000)))
	}
	return text
}

func ordinal(n int64) string {
	end := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			end = "st"
		case 2:
			end = "nd"
		case 3:
			end = "rd"
		}
	}
	return fmt.Sprint(n, end)
}
