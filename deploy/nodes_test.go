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
