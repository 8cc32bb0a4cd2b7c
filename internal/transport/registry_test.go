package transport

import "testing"

func TestTheRegistryOfActorsIsSmall(t *testing.T) {
	maps := 0
	for _, m := range newHouse(t).owner.System.ProcessRegistry.LocalPIDs.LocalPIDs {
		maps += len(m)
	}
	if maps > 1024 {
		t.Errorf("%d maps for the names of some actors", maps)
	}
}
