package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/oklog/ulid/v2"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/messages"
)

// disk serves a request about the models on one node's disk: narration, then done with a report, or an error.
func (g *gateway) disk(w http.ResponseWriter, r *http.Request) {
	var req api.DiskRequest
	body, err := g.readBody(w, r)
	if err == nil {
		err = parse(body, &req)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if req.Traceparent == "" {
		req.Traceparent = traceparentOf(r)
	}
	g.serve(w, r, toDisk(&req), req.WantSpans)
}

// onlyUser refuses what is the business of this machine's user alone to whoever comes with a key: to look after disks, and
// to send files of this machine.
func onlyUser(c Caller, g *messages.Generate) *fault.Error {
	if c.Tenant == "" || g.GetDisk() == nil && !g.GetModel().GetPush() {
		return nil
	}
	return fault.New(fault.ModelAccessDenied, "the key %s is for answers: it may not look after models, or have them pushed", c.Tenant).
		WithHint("ask on the queen's own machine, through its socket")
}

func toDisk(r *api.DiskRequest) *messages.Generate {
	g := &messages.Generate{
		Id:          r.ID,
		Node:        r.Node,
		Model:       &messages.ModelRef{Ref: r.Model, Cwd: r.Cwd, ModelsDir: r.ModelsDir, EnvModelsDir: r.EnvModelsDir, Push: r.Push, NoPull: r.Do != api.DoPull},
		Disk:        &messages.DiskTask{Verb: r.Do, Offline: r.Offline, Context: or(r.Context, 0), Slots: or(r.Slots, 1)},
		BudgetMs:    or(r.DeadlineMS, 0),
		GraceMs:     or(r.GraceMS, api.DefaultGraceMS),
		Traceparent: r.Traceparent,
		Attempt:     1,
	}
	if g.Id == "" {
		g.Id = ulid.Make().String()
	}
	if g.Node == "" {
		g.Node = api.DefaultNode
	}
	return g
}

// toReport passes on what a hive says. Its rows must be JSON objects; what is in them is for the client to judge.
func toReport(r *messages.DiskReport) *api.DiskReport {
	if r == nil {
		return nil
	}
	out := &api.DiskReport{Node: r.GetNode(), Rows: []json.RawMessage{}}
	for _, row := range r.GetRows() {
		if json.Valid(row) && row[0] == '{' {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

func (g *gateway) resolve(w http.ResponseWriter, r *http.Request) {
	spec := r.URL.Query().Get("node")
	if spec == "" {
		spec = api.DefaultNode
	}
	if e := api.CheckNodes(spec); e != nil {
		writeError(w, e.Fault())
		return
	}
	nodes, err := g.backend.Resolve(spec)
	if err != nil {
		writeError(w, fault.From(err))
		return
	}
	writeJSON(w, api.Resolved{Nodes: nodes})
}
