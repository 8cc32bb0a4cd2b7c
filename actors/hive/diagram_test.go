package hive

import (
	"testing"

	"rbee/internal/testkit"
)

func TestDiagramIsTheTable(t *testing.T) { testkit.Golden(t, "testdata/hive.mmd", Diagram()) }
