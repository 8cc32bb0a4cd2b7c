package install

import (
	"path"
	"strings"

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

// public: everybody may make folders beside this one.
func public(dir string) bool {
	return strings.HasPrefix(dir, "/tmp/") || strings.HasPrefix(dir, "/var/tmp/")
}
