//go:build vulkan

package llamacpp_test

import (
	"cmp"
	"context"
	"testing"

	"rbee/internal/engine"
	"rbee/internal/engine/enginetest"
)

// onDevice is an engine that loads models onto that device, unless another is named.
type onDevice struct {
	engine.Engine
	device string
}

func (e onDevice) Load(ctx context.Context, o engine.LoadOptions) (engine.Model, error) {
	o.Device = cmp.Or(o.Device, e.device)
	return e.Engine.Load(ctx, o)
}

// `make vulkan` names the libraries, and lets devices that are made of software count.
func TestVulkanPassesTheContract(t *testing.T) {
	enginetest.Contract(t, func(t *testing.T) engine.Engine { return onDevice{open(t), "vulkan:0"} }, demoModel)
}
