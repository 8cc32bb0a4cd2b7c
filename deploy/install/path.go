package install

import (
	"path"

	"rbee/deploy/bundle"
)

// home is the folder for what rbee keeps on a node, seen from where commands start there: over SSH, the home folder.
const home = ".cache/rbee"

// HivePath is where the bundle's hive is on a node. dir is the node's cache folder; "" is ~/.cache/rbee, as a relative
// path: nobody has to know where the home folder is.
func HivePath(dir string, b bundle.Bundle) string {
	if dir == "" {
		dir = home
	}
	return path.Join(dir, "bundles", b.Folder(), "bin", "rbee-hive")
}
