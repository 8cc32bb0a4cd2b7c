package deploy

import (
	"slices"
	"testing"

	"rbee/internal/config"
)

func TestANodeComesWithWhatItsConfigurationSaysOfIt(t *testing.T) {
	file := &config.File{Nodes: map[string]config.Node{"box": {Command: []string{"sh"}, ModelsDir: "/models", Devices: []string{"cuda:1"}, Weight: 2}}}
	n := Nodes{Config: func() (*config.File, error) { return file, nil }}
	found, err := n.Resolve("box")
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, error %v", found, err)
	}
	if b := found[0]; b.ModelsDir != "/models" || !slices.Equal(b.Devices, []string{"cuda:1"}) || b.Weight != 2 || b.Local {
		t.Errorf("%+v", b)
	}
}

func TestTheEngineThatIsSentIsThatOfTheFirstGPUANodeMayUse(t *testing.T) {
	for _, c := range []struct {
		devices []string
		want    string
	}{
		{nil, ""}, {[]string{"cpu"}, ""}, {[]string{"cpu:0"}, ""}, {[]string{"cpu", "vulkan:1", "cuda"}, "vulkan"}, {[]string{"cuda:0"}, "cuda"}, {[]string{"metal"}, "metal"},
	} {
		if got := engineDevice(config.Node{Devices: c.devices}); got != c.want {
			t.Errorf("%q: %q, want %q", c.devices, got, c.want)
		}
	}
}
