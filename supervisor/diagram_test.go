package supervisor

import (
	"testing"

	"rbee/internal/testkit"
)

func TestDiagramIsTheTable(t *testing.T) { testkit.Golden(t, "testdata/link.mmd", Diagram()) }
