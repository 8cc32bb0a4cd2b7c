package enginelib

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHasLibraryAsksTheLoadersCacheThenTheFolders(t *testing.T) {
	dir := t.TempDir()
	cache := filepath.Join(dir, "ld.so.cache")
	write(t, cache, "glibc-ld.so.cache1.1\x00libffi.so.8\x00/usr/lib/libffi.so.8\x00libfoo.so.80\x00/usr/lib/libfoo.so.80\x00")
	with := filepath.Join(dir, "with")
	if err := os.Mkdir(with, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(with, "libbar.so.1"), "")
	for name, want := range map[string]bool{"libffi.so.8": true, "libfoo.so.8": false, "libbar.so.1": true, "libnot.so": false} {
		if got := hasLibrary(name, cache, []string{"", dir, with}); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if !hasLibrary("libbar.so.1", filepath.Join(dir, "no cache"), []string{with}) {
		t.Error("without a cache the folders must do")
	}
}
