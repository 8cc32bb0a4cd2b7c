package bundle

import (
	"os"
	"path/filepath"
)

// Beside bin and lib an installed bundle has two small files: the sums of its files, written when it was unpacked
// (install.sh), and, after something of it did not run, the doubt. A hive that finds the doubt does not start, as if it
// were not there; so the queen asks for an installation, which compares the sums, and sends what is damaged anew.
const (
	sumsFile  = "sums"
	doubtFile = "doubt"
)

// Doubt says that what lies in the bundle of an executable may be damaged. Outside of a bundle it does nothing.
func Doubt(executable string) {
	if dir, ok := installed(executable); ok {
		_ = os.WriteFile(filepath.Join(dir, doubtFile), nil, 0o600) // a full disk: then the next failure says so again
	}
}

// Doubted reports whether somebody did, and nobody has looked since.
func Doubted(executable string) bool {
	dir, ok := installed(executable)
	if !ok {
		return false
	}
	_, err := os.Lstat(filepath.Join(dir, doubtFile))
	return err == nil
}

func installed(executable string) (dir string, ok bool) {
	dir = filepath.Dir(filepath.Dir(executable))
	_, err := os.Lstat(filepath.Join(dir, sumsFile))
	return dir, err == nil && filepath.IsAbs(executable)
}
