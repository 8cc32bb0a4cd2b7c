// Package install brings a hive to a node that has nothing but a way to run commands.
//
// A bundle lives on a node under its content's name, <dir>/bundles/<id>, so who wants a hive of this build just starts
// it ([Guess] says by which path), and only if that fails as [NotThere] asks what kind of node it is ([Probe]), finds
// the bundle for it, and sends that ([Install]); [Ensure] does the three.
//
// What needs a shell's features are two scripts, probe.sh and install.sh. They travel on the stdin of `sh`, and what
// they answer is marked with a random number, so nothing that login scripts print can be taken for it.
//
// The bundle is unpacked into a folder of its own and hashed on the way; only when the SHA-256 of the whole tar is the
// expected one is that folder renamed to its final name. So bundles/<id> is there whole or not at all: a cut upload
// leaves a .stage folder, which the far shell removes, or, if it was killed, the next visit. Two visits at once work in
// two stages, and the later one keeps what the earlier one put there. The three newest bundles and those that run stay.
package install

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"rbee/deploy/bundle"
	"rbee/deploy/remote"
	"rbee/internal/fault"
)

//go:embed install.sh
var installScript string

// slack is what a bundle needs beside its own size: the ends of its files' last blocks, and the folders.
const slack = 1 << 20

// Install puts a bundle on a node and returns the path of its hive there. It uses the first place that Probe found
// good, with enough space; when the disk turns out to be full after all, the next one. progress (nil is allowed) is
// called with the bytes sent so far and in all; a bundle that is already there is not sent. lease is that of Options.
//
// The error is a HIVE_START_FAILED with the node's own words, a NODE_LOST if the way to the node was lost, or the
// context's.
func Install(ctx context.Context, conn remote.Conn, facts Facts, b bundle.Bundle, lease time.Duration, progress func(sent, total int64)) (string, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	var full error
	for _, place := range facts.Places {
		if !place.fits(b) {
			continue
		}
		err := put(ctx, conn, place, b, lease, progress)
		if err == nil {
			return HivePath(place.Dir, b), nil
		}
		if !isFull(err) {
			return "", err
		}
		full = err
	}
	if full != nil {
		return "", full
	}
	return "", noPlace(conn, facts, b)
}

// put installs into one place.
func put(ctx context.Context, conn remote.Conn, place Place, b bundle.Bundle, lease time.Duration, progress func(sent, total int64)) error {
	pinger, _ := conn.(remote.Pinger)
	if pinger == nil || lease <= 0 {
		pinger, lease = nil, stall
	}
	file, err := b.Open()
	if err != nil {
		return err
	}
	defer file.Close()
	s, err := start(ctx, conn, installScript, place.Dir, b.Folder(), b.ID, strconv.Itoa(b.Files), strconv.Itoa(int(math.Ceil(lease.Seconds()))))
	if err != nil {
		return err
	}
	defer s.close()
	up := upload{total: b.Packed, progress: func(sent, total int64) {
		s.alive()
		progress(sent, total)
	}}
	for {
		line, err := s.next()
		if err != nil {
			return s.broken(fmt.Sprintf("installing into %s", place.Dir), up.describe(), err)
		}
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "go":
			if pinger != nil {
				s.ask(pinger, lease)
			}
			s.send(func(w io.Writer) error { return up.run(w, file) })
		case "have", "done":
			s.wait()
			return nil
		case "fail":
			s.wait()
			return s.failed(place, b, &up, rest)
		}
	}
}

// failed turns what install.sh reported into an error.
func (s *script) failed(place Place, b bundle.Bundle, up *upload, report string) error {
	what, why, _ := strings.Cut(report, " ")
	said := strings.Join(append(s.tail.Lines(), why), "\n")
	if noSpace(said) {
		return fault.Wrap(fault.HiveStartFailed, errFull, "the disk of %s is full at %s: the hive needs %s, %s free", s.conn, place.Dir, mega(b.Size+slack), mega(place.Free)).
			WithHint("make space there, or set cache_dir of the node to a folder on another disk").
			With("needed", b.Size+slack).With("free", place.Free).With("stderr", said)
	}
	if what == "hash" {
		if err := b.Verify(); err != nil {
			return err
		}
		return fault.New(fault.HiveStartFailed, "what arrived at %s on %s is not what was sent: its SHA-256 is not %s", place.Dir, s.conn, b.ID).
			WithHint("nothing of it was run; try again, and check the node's memory and disk if it happens again")
	}
	doing := map[string]string{"owner": bad["owner"], "write": "cannot be written", "unpack": "the bundle cannot be unpacked", "place": "the bundle cannot be put in place"}[what]
	return fault.New(fault.HiveStartFailed, "cannot install the hive in %s on %s: %s%s%s", place.Dir, s.conn, doing, up.describe(), s.said(why)).
		WithHint("set cache_dir of the node to another folder").With("stderr", said)
}

// errFull is in the chain of an error that another place might not give.
var errFull = errors.New("no space")

func isFull(err error) bool { return errors.Is(err, errFull) }

func noSpace(text string) bool {
	return strings.Contains(text, "No space left") || strings.Contains(text, "uota exceeded")
}

// fits: a hive can live there, and there is space. Not to know the space is no reason not to try.
func (p Place) fits(b bundle.Bundle) bool {
	return p.Bad == "" && (p.Free < 0 || p.Free >= b.Size+slack)
}

func noPlace(conn remote.Conn, facts Facts, b bundle.Bundle) error {
	var each []string
	for _, p := range facts.Places {
		bad := p.Bad
		if bad == "" || bad == badWrite && p.Free == 0 {
			bad = mega(p.Free) + " free"
		}
		each = append(each, p.Dir+": "+bad)
	}
	return fault.New(fault.HiveStartFailed, "no folder of %s can hold a hive (%s): %s", conn, mega(b.Size+slack), strings.Join(each, "; ")).
		WithHint("set cache_dir of the node to a folder of yours with %s free, from which programs may be run", mega(b.Size+slack)).
		With("needed", b.Size+slack).With("places", facts.Places)
}

func mega(bytes int64) string {
	if bytes < 0 {
		return "an unknown amount"
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
