package api

import "time"

// Version says which queen answers.
type Version struct {
	Version   string    `json:"version"` // of the build; a keeper of another build refuses to go on
	PID       int       `json:"pid"`
	Ephemeral bool      `json:"ephemeral"`
	Started   time.Time `json:"started"`
}

// Workers is the registry, sorted by node and id.
type Workers struct {
	Workers []Worker `json:"workers"`
}

// Worker is one row of the registry.
type Worker struct {
	ID             string    `json:"id"`
	Address        string    `json:"address"`
	Node           string    `json:"node"`
	Model          string    `json:"model"`
	ModelPath      string    `json:"model_path"`
	Backend        string    `json:"backend"`
	Device         string    `json:"device"`
	State          string    `json:"state"` // loading, idle, busy, draining, failed
	Reason         string    `json:"reason,omitempty"`
	LastActivity   time.Time `json:"last_activity"`
	SlotsTotal     int64     `json:"slots_total"`
	SlotsAvailable int64     `json:"slots_available"`
	PID            int64     `json:"pid"`
	Started        time.Time `json:"started"`
	Context        int64     `json:"context"`
	Threads        int64     `json:"threads"`
	MemoryBytes    int64     `json:"memory_bytes"` // resident memory its load added, as measured; 0 = not known
}

// Nodes are the nodes that a queen uses or lost, sorted by name.
type Nodes struct {
	Nodes []Node `json:"nodes"`
}

// Node says how one node is.
type Node struct {
	Name    string `json:"name"`
	State   string `json:"state"`             // reaching, starting, connected, stopping, lost
	Address string `json:"address,omitempty"` // of its hive's life
	Reason  string `json:"reason,omitempty"`  // why it was lost
}

// Status is how a daemon is.
type Status struct {
	Version
	State   string   `json:"state"` // starting, ready, stopping
	Run     string   `json:"run"`   // RBEE_RUN_ID of every process of it
	Socket  string   `json:"socket"`
	Listen  []string `json:"listen"`         // URLs
	Log     string   `json:"log,omitempty"`  // folder of its logs
	Args    []string `json:"args,omitempty"` // of queen-rbee daemon, as it was started
	Nodes   int      `json:"nodes"`          // that have a hive
	Workers int      `json:"workers"`
	Running int      `json:"running"` // requests that a worker has
	Waiting int      `json:"waiting"` // requests that none has yet
}
