package deploy

import "path/filepath"

// CacheRoot returns the cache folder that a program was installed into by another machine, from its own path
// (<cache>/bundles/<id>/bin/<program>), and false for a program that was not. What a hive keeps on a node (models)
// belongs beside it: the usual place may not be writable there.
func CacheRoot(executable string) (string, bool) {
	bin := filepath.Dir(executable)
	bundles := filepath.Dir(filepath.Dir(bin))
	if filepath.Base(bin) != "bin" || filepath.Base(bundles) != "bundles" {
		return "", false
	}
	return filepath.Dir(bundles), true
}
