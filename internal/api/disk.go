package api

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// What DiskRequest.Do may be.
const (
	DoPull   = "pull"
	DoList   = "ls"
	DoInfo   = "info"
	DoVerify = "verify"
	DoRemove = "rm"
	DoUse    = "du"
)

var diskVerbs = []string{DoPull, DoList, DoInfo, DoVerify, DoRemove, DoUse}

// DiskRequest asks for something about the models on one node's disk: POST /rbee/v1/models. It is answered like a
// completion, with narration and at last a done event, which has the report; no worker is started for it.
type DiskRequest struct {
	ID    string `json:"id,omitempty"`
	Do    string `json:"do"`
	Model string `json:"model,omitempty"` // but for ls and du, which are about all of them
	Node  string `json:"node,omitempty"`  // one; "" = localhost

	Cwd          string `json:"cwd,omitempty"`
	ModelsDir    string `json:"models_dir,omitempty"`
	EnvModelsDir string `json:"env_models_dir,omitempty"`

	Push    bool   `json:"push,omitempty"`    // pull: the copy of the queen's machine, not the hub's
	Offline bool   `json:"offline,omitempty"` // verify: do not ask the hub
	Context *int64 `json:"context,omitempty"` // info
	Slots   *int64 `json:"slots,omitempty"`   // info

	DeadlineMS  *int64 `json:"deadline_ms,omitempty"`
	GraceMS     *int64 `json:"grace_ms,omitempty"`
	Traceparent string `json:"traceparent,omitempty"`
	WantSpans   bool   `json:"want_spans,omitempty"`
}

// DiskReport is what came of a DiskRequest: of pull, info, rm and du one object, of ls one for each model, of verify one
// for each file. Package shelf says what is in them.
type DiskReport struct {
	Node string            `json:"node"`
	Rows []json.RawMessage `json:"rows"`
}

// Validate is that of a GenerateRequest.
func (r *DiskRequest) Validate() error {
	for _, e := range []*FieldError{
		identifier("id", r.ID),
		r.verb(),
		r.model(),
		name("node", r.Node, MaxNodeBytes, false),
		r.oneNode(),
		name("cwd", r.Cwd, MaxNameBytes, false),
		absolute("cwd", r.Cwd),
		name("models_dir", r.ModelsDir, MaxNameBytes, false),
		name("env_models_dir", r.EnvModelsDir, MaxNameBytes, false),
		r.only("push", r.Push, DoPull),
		r.only("offline", r.Offline, DoVerify),
		r.only("context", r.Context != nil, DoInfo),
		r.only("slots", r.Slots != nil, DoInfo),
		within("context", r.Context, 1, MaxContext),
		within("slots", r.Slots, 1, MaxSlots),
		within("deadline_ms", r.DeadlineMS, 1, MaxDeadlineMS),
		within("grace_ms", r.GraceMS, 0, MaxGraceMS),
		traceparent("traceparent", r.Traceparent),
	} {
		if e != nil {
			return e
		}
	}
	return nil
}

func (r *DiskRequest) verb() *FieldError {
	if slices.Contains(diskVerbs, r.Do) {
		return nil
	}
	return &FieldError{"do", shown(r.Do), strings.Join(diskVerbs, ", ")}
}

func (r *DiskRequest) model() *FieldError {
	if r.Do != DoList && r.Do != DoUse {
		return name("model", r.Model, MaxNameBytes, true)
	}
	if r.Model != "" {
		return &FieldError{"model", shown(r.Model), "nothing with " + r.Do + ", which is about all models"}
	}
	return nil
}

func (r *DiskRequest) oneNode() *FieldError {
	if strings.Contains(r.Node, ",") || r.Node == "any" {
		return &FieldError{"node", shown(r.Node), "one node; GET /rbee/v1/resolve names those of a list"}
	}
	return nil
}

func (r *DiskRequest) only(field string, given bool, with string) *FieldError {
	if given && r.Do != with {
		return &FieldError{field, "given", "nothing but with " + with}
	}
	return nil
}

// Resolved are the nodes that a list of nodes, or any, means.
type Resolved struct {
	Nodes []string `json:"nodes"`
}

// Disk asks for something about the models on a node's disk. The stream's done event has the report.
func (c *Client) Disk(ctx context.Context, r *DiskRequest) (*Stream, error) {
	return c.stream(ctx, "/rbee/v1/models", r)
}

// Resolve asks which nodes a list of nodes means: GET /rbee/v1/resolve?node=LIST. No node is reached for it.
func (c *Client) Resolve(ctx context.Context, nodes string) ([]string, error) {
	var r Resolved
	err := c.get(ctx, "/rbee/v1/resolve?node="+url.QueryEscape(nodes), &r)
	return r.Nodes, err
}

// CheckNodes says what is wrong with a list of nodes, nil if nothing is.
func CheckNodes(list string) *FieldError { return nodes("node", list) }
