package install

import (
	"context"
	_ "embed"
	"io"

	"rbee/deploy/remote"
	"rbee/internal/fault"
)

//go:embed probe.sh
var probeScript string

// Probe finds out what kind of node this is, and which of its folders can hold a hive: cacheDir (the node's configured
// cache_dir; "" = none), $XDG_CACHE_HOME/rbee, ~/.cache/rbee, then /var/tmp/rbee-UID and /tmp/rbee-UID, which must be
// the user's own. Each is tried: a small file is written there, executed and removed.
//
// The error is a HIVE_START_FAILED with the node's own words, a NODE_LOST if the way to the node was lost, or the
// context's.
func Probe(ctx context.Context, conn remote.Conn, cacheDir string) (Facts, error) {
	var args []string
	if cacheDir != "" {
		if err := CheckCacheDir(cacheDir); err != nil {
			return Facts{}, err
		}
		args = append(args, cacheDir)
	}
	s, err := start(ctx, conn, probeScript, args...)
	if err != nil {
		return Facts{}, err
	}
	defer s.close()
	s.send(func(io.Writer) error { return nil })
	facts, err := readFacts(s.next)
	if err != nil {
		return Facts{}, s.broken("the look at the node", "", err)
	}
	s.wait()
	return facts, nil
}

// CheckCacheDir refuses a configured folder that cannot be a word of a command on a node.
func CheckCacheDir(dir string) error {
	if dir == home || !usable(dir) {
		return fault.New(fault.InvalidRequest, "cache_dir %.100q must be an absolute path of letters, digits and _ - . / : @ + ,", dir).
			WithHint("choose a folder whose name means nothing to a shell").With("cache_dir", dir)
	}
	return nil
}
