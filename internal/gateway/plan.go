package gateway

import (
	"net/http"

	"rbee/internal/api"
	"rbee/messages"
)

// plan answers like generate, to the same request: narration, then done with a plan, or an error. Nothing is generated.
func (g *gateway) plan(w http.ResponseWriter, r *http.Request) {
	g.answer(w, r, func(m *messages.Generate) { m.PlanOnly = true })
}

func toPlan(p *messages.Plan) *api.Plan {
	if p == nil {
		return nil
	}
	return &api.Plan{
		Node: p.GetNode(), Model: p.GetModel(), File: p.GetPath(), Size: p.GetSize(), Fetch: p.GetFetchBytes(),
		Architecture: p.GetArchitecture(), Quantization: p.GetQuantization(), Worker: p.GetWorker(), WorkerState: p.GetWorkerState(),
		Device: p.GetDevice(), Backend: p.GetBackend(), Passed: p.GetPassed(), Context: p.GetContext(), Slots: p.GetSlots(), Threads: p.GetThreads(),
		Needed: p.GetNeeded(), Free: p.GetFree(), DeviceNeeded: p.GetDeviceNeeded(), DeviceFree: p.GetDeviceFree(), Stops: p.GetStops(), LoadMS: finite(p.GetLoadMs()),
	}
}
