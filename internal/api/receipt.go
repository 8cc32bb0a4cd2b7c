package api

import "time"

// Receipt says what became of every process of a run, the keeper itself excepted.
type Receipt struct {
	Clean     bool      `json:"clean"` // all are proven gone, forced or not
	Forced    int       `json:"forced"`
	TookMS    float64   `json:"took_ms"` // from the decision to stop to the last proof
	Processes []Process `json:"processes"`
}

// Process is one process of a run and its end.
type Process struct {
	Name    string    `json:"name"` // queen-rbee, rbee-hive, llm-worker-rbee
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	Cause   string    `json:"cause"`
	Forced  bool      `json:"forced"` // SIGKILL was needed
	// Unproven: nobody saw it end, so it may still be there.
	Unproven bool    `json:"unproven,omitempty"`
	TookMS   float64 `json:"took_ms"`
}

// NothingStarted is the receipt of a run that started no process: one that failed before, or one that used a
// daemon.
func NothingStarted() Receipt { return Receipt{Clean: true, Processes: []Process{}} }

// Unproven returns the processes that may still be there.
func (r Receipt) Unproven() []Process {
	var left []Process
	for _, p := range r.Processes {
		if p.Unproven {
			left = append(left, p)
		}
	}
	return left
}
