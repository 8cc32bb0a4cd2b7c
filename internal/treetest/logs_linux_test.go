package treetest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTreeARunRemovesTheLogsOfOldOnes(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	old := filepath.Join(state, "rbee", "logs", "old")
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	past := time.Now().AddDate(-1, 0, 0)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	infer(t, fake, "XDG_STATE_HOME="+state, "RBEE_FAKE_ENGINE=tokens=2").Want(0)
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the logs of a year ago are still there: %v", err)
	}
}
