package enginetest

import (
	"os"
	"path/filepath"
	"testing"

	"rbee/internal/engine"
)

func TestFakePassesTheContract(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"", "rate=5000", "prefill=10us,load=5ms"} {
		s, err := Parse(script)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(script, func(t *testing.T) {
			Contract(t, func(*testing.T) engine.Engine { return New(s) }, path)
		})
	}
}
