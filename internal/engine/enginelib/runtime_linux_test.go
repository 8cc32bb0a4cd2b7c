package enginelib

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHasLibraryAsksTheLoadersCacheThenTheFolders(t *testing.T) {
	dir := t.TempDir()
	cache := filepath.Join(dir, "ld.so.cache")
	with, cached := filepath.Join(dir, "with"), filepath.Join(dir, "cached")
	for _, d := range []string{with, cached} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, cache, "glibc-ld.so.cache1.1\x00libffi.so.8\x00/nowhere/libffi.so.8\x00libffi.so.8\x00"+cached+"/libffi.so.8\x00"+
		"libfoo.so.80\x00"+cached+"/libfoo.so.80\x00libgone.so.1\x00/nowhere/libgone.so.1\x00")
	write(t, filepath.Join(cached, "libffi.so.8"), "")
	write(t, filepath.Join(cached, "libfoo.so.80"), "")
	write(t, filepath.Join(with, "libbar.so.1"), "")
	for name, want := range map[string]bool{"libffi.so.8": true, "libfoo.so.8": false, "libbar.so.1": true, "libnot.so": false,
		"libgone.so.1": false} {
		if got := hasLibrary(name, cache, []string{"", dir, with}); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if !hasLibrary("libbar.so.1", filepath.Join(dir, "no cache"), []string{with}) {
		t.Error("without a cache the folders must do")
	}
}
