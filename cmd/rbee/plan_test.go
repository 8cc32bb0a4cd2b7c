package main

import (
	"testing"

	"rbee/internal/api"
)

func TestPlanForPeople(t *testing.T) {
	for name, c := range map[string]struct {
		plan api.Plan
		want string
	}{
		"on a GPU": {api.Plan{Node: "mac", Model: "tiny", File: "/m/tiny.gguf", Size: 669e6, Architecture: "llama", Quantization: "Q4_K_M", Device: "cuda:1",
			Passed: []string{"cuda:0 needs 1.10 GB of GPU memory and 200.0 MB are free"}, Context: 2048, Slots: 4, Needed: 400e6, Free: 8e9,
			DeviceNeeded: 1100e6, DeviceFree: 4e9, Stops: []string{"worker-0.1"}, LoadMS: 820}, `node     mac
model    tiny, llama Q4_K_M
file     /m/tiny.gguf (669.0 MB)
device   cuda:1
         (cuda:0 needs 1.10 GB of GPU memory and 200.0 MB are free)
context  2048 tokens, 4 at the same time
memory   400.0 MB needed, 8.00 GB free
         1.10 GB of cuda:1 needed, 4.00 GB free
stops    worker-0.1, which is idle, to make room
load     about 0.8 s, and reading the file if it is not in memory yet
`},
		"before a download": {api.Plan{Node: "localhost", Model: "hf:org/x\x1b[2J", File: "/m/x.gguf", Size: 5e9, Fetch: 4e9, Device: "cpu:0", Slots: 1}, `node     localhost
model    hf:org/x␛[2J
file     /m/x.gguf (5.00 GB)
download 4.00 GB
device   cpu:0
memory   what it needs is known when it is there
`},
		"for a worker that lives": {api.Plan{Node: "localhost", Model: "demo", File: "/m/demo.gguf", Size: 2e6, Architecture: "llama", Quantization: "F16",
			Worker: "queen.1~hive.1~worker-0.1", WorkerState: "busy", Device: "cpu:0"}, `node     localhost
model    demo, llama F16
file     /m/demo.gguf (2.0 MB)
worker   queen.1~hive.1~worker-0.1 on cpu:0, busy: no new one is started
`},
	} {
		if got := planText(&c.plan); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
