package install

import (
	"context"
	"runtime"
	"time"

	"rbee/deploy/bundle"
	"rbee/deploy/remote"
	"rbee/internal/config"
)

// Options say whose node it is and what is known of it.
type Options struct {
	Node       string // its name: under it a later visit finds what this one learnt
	CacheDir   string // the configured cache_dir; "" = none
	Device     string // the engine's device; "" = the platform's plain one
	Getenv     func(string) string
	Executable string // os.Executable, from which bundles are looked for
	// Lease is how long the way to the node may be silent while a bundle is sent; 0, and where the way cannot be asked
	// for a sign of life (remote.Pinger), is a minute, and what is taken counts as one.
	Lease    time.Duration
	Progress func(Event) // nil is allowed. Called from several goroutines, never from two at once
}

// Phase is a step of Ensure.
type Phase string

const (
	Probing Phase = "probing" // asking the node what it is
	Packing Phase = "packing" // looking for the bundle, or making it
	Sending Phase = "sending" // with bytes sent and in all
	Placed  Phase = "placed"  // the hive can be started
)

// Event is what a progress bar needs.
type Event struct {
	Phase       Phase
	Sent, Total int64 // bytes of the compressed bundle, while Sending
}

// Guess returns the bundle a node most likely needs, and the path at which its hive is if the node was visited before:
// from the note of the last visit, else as if the node were of this machine's kind, with its cache in the usual place.
// Start that; if it fails as Missing, Foreign or Forbidden, call Ensure. An error (bundle.Find's) means that there is
// nothing to guess: the node may be of another kind, so call Ensure then, too.
//
// path is "" where the hive lives below /tmp or /var/tmp. Such a folder may have been cleaned away, and made anew by
// somebody who knows what we would start there; Ensure looks whose it is.
func Guess(o Options) (path string, b bundle.Bundle, err error) {
	note := o.notes().recall(o.Node, o.CacheDir)
	p := bundle.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH, Device: o.Device}
	if note.OS != "" {
		p.OS, p.Arch = note.OS, note.Arch
	}
	if b, err = bundle.Find(o.Getenv, o.Executable, p); err != nil {
		return "", bundle.Bundle{}, err
	}
	dir := note.Dir
	if dir == "" {
		dir = o.CacheDir
	}
	if public(dir) {
		return "", b, nil
	}
	return HivePath(dir, b), b, nil
}

// Ensure makes sure that the node has this build's hive, and returns its path there: it asks the node what it is,
// finds the bundle for it, sends that unless it is there, and takes a note for the next Guess. What is found out about
// the node is returned even with an error, as far as it came.
func Ensure(ctx context.Context, conn remote.Conn, o Options) (string, Facts, error) {
	tell := o.Progress
	if tell == nil {
		tell = func(Event) {}
	}
	tell(Event{Phase: Probing})
	facts, err := Probe(ctx, conn, o.CacheDir)
	if err != nil {
		return "", facts, err
	}
	tell(Event{Phase: Packing})
	b, err := bundle.Find(o.Getenv, o.Executable, facts.Platform(o.Device))
	if err != nil {
		return "", facts, err
	}
	if err := facts.Check(); err != nil {
		return "", facts, err
	}
	path, err := Install(ctx, conn, facts, b, o.Lease, func(sent, total int64) { tell(Event{Sending, sent, total}) })
	if err != nil {
		return "", facts, err
	}
	// A note that cannot be written costs the next visit a probe.
	_ = o.notes().keep(o.Node, note{OS: facts.OS, Arch: facts.Arch, Dir: dirOf(path), For: o.CacheDir})
	tell(Event{Phase: Placed})
	return path, facts, nil
}

func (o Options) notes() notes {
	cache, err := config.New(o.Getenv).CacheDir()
	if err != nil {
		return notes{}
	}
	return notes{cache}
}
