package queen

import (
	"testing"

	"rbee/internal/testkit"
)

func TestDiagramIsTheTable(t *testing.T) { testkit.Golden(t, "testdata/queen.mmd", Diagram()) }
