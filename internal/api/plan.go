package api

// Plan is what would become of a request: the answer to POST /rbee/v1/plan, in its done event. Nothing was started for
// it but the way to the node.
type Plan struct {
	Node         string `json:"node"`
	Model        string `json:"model"`
	File         string `json:"file"` // on the node; where a download would put it if Fetch is not 0
	Size         int64  `json:"size"`
	Fetch        int64  `json:"fetch"`                  // bytes to download first
	Architecture string `json:"architecture,omitempty"` // not known before the download, like what it needs
	Quantization string `json:"quantization,omitempty"`

	Worker      string `json:"worker,omitempty"` // a living one that would answer; then there is no need
	WorkerState string `json:"worker_state,omitempty"`

	Device  string   `json:"device"`
	Backend string   `json:"backend"`
	Passed  []string `json:"passed,omitempty"` // better devices that it does not fit, and why
	Context int64    `json:"context,omitempty"`
	Slots   int64    `json:"slots"`
	Threads int64    `json:"threads,omitempty"` // 0 = the engine's rule

	Needed       int64 `json:"needed,omitempty"` // bytes of the node's memory
	Free         int64 `json:"free,omitempty"`
	DeviceNeeded int64 `json:"device_needed,omitempty"` // of a GPU's
	DeviceFree   int64 `json:"device_free,omitempty"`
	// Stops are idle workers that would be stopped to make room; what is free then, Free and DeviceFree say.
	Stops  []string `json:"stops,omitempty"`
	LoadMS float64  `json:"load_ms,omitempty"` // about, if the file is in memory already
}
