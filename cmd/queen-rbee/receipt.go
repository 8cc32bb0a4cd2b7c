package main

import (
	"log/slog"
	"time"

	"rbee/internal/api"
	"rbee/internal/telemetry"
	"rbee/messages"
)

// receipt is what became of every process.
func receipt(m *messages.Stopped, took time.Duration) api.Receipt {
	r := api.Receipt{Clean: true, TookMS: float64(took.Microseconds()) / 1000, Processes: []api.Process{}}
	for _, e := range m.GetProcesses() {
		if e.GetForced() {
			r.Forced++
		}
		r.Clean = r.Clean && !e.GetUnproven()
		r.Processes = append(r.Processes, api.Process{Name: e.GetName(), PID: int(e.GetPid()), Host: e.GetHost(), Started: time.Unix(0, e.GetStartedUnixNano()).UTC(),
			Cause: e.GetCause(), Forced: e.GetForced(), Unproven: e.GetUnproven(), TookMS: float64(e.GetTookUs()) / 1000})
	}
	return r
}

// account logs a receipt and counts the cascade (the queen has counted the processes). It returns 3 if one could not
// be proven gone.
func account(log *slog.Logger, count *telemetry.Metrics, r api.Receipt) int {
	for _, p := range r.Processes {
		log.Info("ended", "name", p.Name, "pid", p.PID, "host", p.Host, "cause", p.Cause, "forced", p.Forced, "unproven", p.Unproven, "took_ms", p.TookMS)
	}
	unproven := len(r.Unproven())
	log.Info("stopped", "processes", len(r.Processes), "forced", r.Forced, "unproven", unproven, "took_ms", int64(r.TookMS))
	took := time.Duration(r.TookMS * float64(time.Millisecond))
	switch {
	case unproven > 0:
		count.Cascade(telemetry.Unproven, took)
		return 3
	case r.Forced > 0:
		count.Cascade(telemetry.Forced, took)
	default:
		count.Cascade(telemetry.Clean, took)
	}
	return 0
}
