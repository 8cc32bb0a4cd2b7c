package bench

import (
	"fmt"
	"testing"
	"time"
)

const (
	manyRequests = 100_000
	// manyTime bounds them on a slow machine; the metric requests says how many there were.
	manyTime = 90 * time.Second
)

// BenchmarkQueenMemory is the queen's resident memory when it has answered once, after half of 100,000 chats from 32
// clients, and after all of them. Goal: 40 MB, and no more at the end than in the middle.
func BenchmarkQueenMemory(b *testing.B) {
	addr, pids := serving(b)
	for b.Loop() {
		began, n := time.Now(), int64(0)
		until := func(requests int64) {
			for n < requests && time.Since(began) < manyTime {
				some, _ := flood(b, addr, 32, time.Second)
				if n += some; b.Failed() {
					return
				}
			}
		}
		idle := rss(b, pids["queen"], "VmRSS")
		until(manyRequests / 2)
		half := rss(b, pids["queen"], "VmRSS")
		until(manyRequests)
		end := rss(b, pids["queen"], "VmRSS")
		b.ReportMetric(idle, "idle-MB")
		b.ReportMetric(half, "half-MB")
		b.ReportMetric(end, "end-MB")
		b.ReportMetric(float64(n), "requests")
		atMost(b, "queen's memory, idle", "MB", 40, idle)
		atMost(b, fmt.Sprintf("queen's memory after %d chats", manyRequests), "MB", 40, end)
		atMost(b, "queen's memory, its growth from half of them to all", "MB", 2, end-half)
	}
	b.ReportMetric(0, "ns/op")
}
