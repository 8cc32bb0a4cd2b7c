package worker

import (
	"testing"

	"rbee/internal/testkit"
)

func TestDiagramIsTheTable(t *testing.T) { testkit.Golden(t, "testdata/worker.mmd", Diagram()) }
