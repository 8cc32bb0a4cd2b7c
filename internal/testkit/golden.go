package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// Golden fails t if the file at path (relative to the test's package) does not hold want exactly. It is how a
// state table holds its own diagram: testkit.Golden(t, "testdata/link.mmd", table.Mermaid()). With RBEE_UPDATE=1
// the file is written instead.
func Golden(t testing.TB, path, want string) {
	t.Helper()
	if os.Getenv("RBEE_UPDATE") == "1" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: RBEE_UPDATE=1 go test writes it", err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date, RBEE_UPDATE=1 go test writes it anew; it should hold\n%s", path, want)
	}
}
