package hive

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/fit"
	"rbee/internal/workerkind"
	"rbee/messages"
)

// plan is where a worker is to run, and how: settled before its process is started.
type plan struct {
	fit.Choice
	threads int64 // 0 = the engine's rule
	warning string
}

// usage is what this hive's workers have, or will have, beside what is counted as taken already.
type usage struct {
	host    int64            // of the node's memory
	devices map[string]int64 // of each GPU's
	onCPU   int64            // workers that compute on the CPU
}

// wantOf is the device that a request asks for, as it was typed.
func wantOf(l *messages.LoadOptions) fit.Want {
	w := fit.Want{Backend: l.GetBackend(), Device: l.GetDevice(), GPULayers: -1}
	if l.GpuLayers != nil {
		w.GPULayers = l.GetGpuLayers()
	}
	return w
}

// wish lists the devices of this node and checks what a request wants of them. The first time it may start a process,
// so it is not called in the actor.
func (c Config) wish(ctx context.Context, l *messages.LoadOptions) ([]engine.Device, fit.Want, error) {
	devices := []engine.Device{{ID: "cpu:0", Backend: "cpu"}}
	if c.Devices != nil {
		backend := backendOf(l)
		if len(c.Hive.GetDevices()) > 0 {
			backend = "" // what is not allowed is told beside all that there is
		}
		var err error
		if devices, err = c.Devices(ctx, l.GetWorker(), backend); err != nil {
			return nil, fit.Want{}, err
		}
	}
	usable := c.usable(devices)
	if len(usable) == 0 {
		return nil, fit.Want{}, fault.New(fault.DeviceUnavailable, "%s may only use %s, and has only %s", c.Hive.GetNode(), strings.Join(c.Hive.GetDevices(), ", "), names(devices)).
			WithHint("correct devices of that node in the configuration").With("node", c.Hive.GetNode())
	}
	w, err := fit.Settle(usable, wantOf(l))
	return devices, w, c.explained(err, devices)
}

// backendOf is the backend that a request names, be it by a device; "" if it names none.
func backendOf(l *messages.LoadOptions) string {
	backend, _, named := strings.Cut(l.GetDevice(), ":")
	if l.GetBackend() != "" || !named {
		return l.GetBackend()
	}
	return backend
}

// explained adds to a BACKEND_UNAVAILABLE why this node has not got it, and what would give it to the node.
func (c Config) explained(err error, devices []engine.Device) error {
	f, ok := err.(*fault.Error)
	if !ok || f.Code != fault.BackendUnavailable || c.Lacking == nil {
		return err
	}
	backend, _ := f.Details["backend"].(string)
	why := c.Lacking()
	for b := range why { // layers on a GPU: any would do, and what is installed comes first
		if backend == "" && why[b].Installed {
			backend = b
		}
	}
	lack, known := why[backend]
	if !known || slices.ContainsFunc(devices, func(d engine.Device) bool { return d.Backend == backend }) {
		return err // it is there, and the configuration forbids it
	}
	f.Message += "; " + backend + ": " + lack.Cause
	if lack.Hint != "" {
		f.WithHint("%s; or %s", lack.Hint, f.Hint)
	}
	return f.With("cause", lack.Cause).With("node", c.Hive.GetNode())
}

// passed says what else could have computed here, and does not although its libraries are installed: a worker on the
// CPU is told so, lest nobody notice.
func (c Config) passed(k key) (why []string) {
	if c.Lacking == nil || k.want.Backend != "" || !workerkind.Same(k.worker, "") {
		return nil
	}
	for backend, lack := range c.Lacking() {
		if lack.Installed {
			why = append(why, backend+": "+lack.Cause)
		}
	}
	slices.Sort(why)
	return why
}

// usable are the devices that the configuration lets this node use.
func (c Config) usable(all []engine.Device) []engine.Device {
	only := c.Hive.GetDevices()
	if len(only) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(d engine.Device) bool { return !slices.Contains(only, d.ID) && !slices.Contains(only, d.Backend) })
}

func names(devices []engine.Device) string {
	var all []string
	for _, d := range devices {
		all = append(all, d.ID)
	}
	return strings.Join(all, ", ")
}

// plan says where a worker for k would run beside those that live already. Nothing is started for a model that does
// not fit: the error names both numbers, and what would fit.
func (c Config) plan(devices []engine.Device, k key, found Found, others usage) (plan, error) {
	load := fit.Load{Context: k.context, Slots: max(1, c.Hive.GetSlots()), CPU: c.CPU}
	devices = slices.Clone(devices)
	for i := range devices {
		d := &devices[i]
		if d.Backend == "cpu" {
			free := int64(0)
			if c.Free != nil {
				free = c.Free()
			}
			if d.FreeBytes = free - others.host; free == 0 {
				d.TotalBytes = 0 // nobody knows
			}
			continue
		}
		d.FreeBytes -= others.devices[d.ID]
	}
	p := plan{threads: k.threads}
	if h := found.Header; h != nil && h.Context > 0 && k.context > int64(h.Context) {
		return plan{}, fault.New(fault.ContextOverflow, "a context of %d tokens: the model was trained for %d", k.context, h.Context).
			WithHint("choose --ctx %d or less", h.Context).With("context", k.context).With("trained", h.Context).With("node", c.Hive.GetNode())
	}
	if found.Header == nil {
		p.Device = first(c.usable(devices), k.want)
	} else {
		var err error
		if p.Choice, err = fit.Choose(devices[0], c.usable(devices), found.Header, found.Name, load, k.want); err != nil {
			return plan{}, fault.From(err).With("node", c.Hive.GetNode())
		}
	}
	if p.Device.Backend == "cpu" {
		p.Passed = append(p.Passed, c.passed(k)...)
	}
	if cores := c.cores(); p.Device.Backend == "cpu" && cores > 0 && p.threads > cores {
		p.warning = fmt.Sprintf("%d threads on %d cores: that is slower than %d", p.threads, cores, max(1, cores-1))
	}
	if p.threads == 0 && p.Device.Backend == "cpu" && others.onCPU > 0 {
		p.threads = share(c.Cores(), others.onCPU)
	}
	return p, nil
}

// cores is how many physical ones there are for workers; 0 if nobody knows.
func (c Config) cores() int64 {
	if c.Cores == nil {
		return 0
	}
	return c.Cores()
}

// share is how many threads a CPU worker gets beside others: an equal part of all cores but one. A worker alone has them
// all, by the engine's own rule; what one has got it keeps.
func share(cores, others int64) int64 { return max(1, (cores-1)/(others+1)) }

// first is the device for a model of which nothing is known.
func first(devices []engine.Device, w fit.Want) engine.Device {
	for _, d := range devices {
		if (w.Backend == "" || d.Backend == w.Backend) && (w.Device == "" || d.ID == w.Device) {
			return d
		}
	}
	return devices[0]
}

// usage sums up the living workers. What one that has loaded took, the kernel has counted, but for the mapped pages of
// its file; one that loads may have taken nothing yet. A GPU's free memory was asked for once, before all of them. Of
// those that will be gone it is counted what they give back.
func (h *hive) usage(gone ...*slot) usage {
	u := usage{devices: map[string]int64{}}
	for _, s := range h.slots {
		n := s.plan.Need
		if slices.Contains(gone, s) {
			u.host -= n.Host.Total() - n.Host.Weights
			continue
		}
		u.devices[s.plan.Device.ID] += n.Device.Total()
		if s.state == loading {
			u.host += n.Host.Total()
		} else {
			u.host += n.Host.Mapped()
		}
		if s.plan.Device.Backend == "cpu" {
			u.onCPU++
		}
	}
	return u
}
