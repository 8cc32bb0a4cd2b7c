// Package bundle is what is sent to a node that has nothing but an ssh server: the hive, the worker and the engine's
// libraries for its system, processor and device, in one compressed tar.
//
//	bin/rbee-hive  bin/llm-worker-rbee  lib/rbee/*
//
// A bundle is named by its content: its ID is the SHA-256 of the uncompressed tar, which is the same wherever and
// whenever the same files are packed (sorted, times and owners fixed, modes 0700 and 0600). So a node that has the
// folder of that name has exactly this build, and whoever unpacks one can prove it before anything of it runs. The
// engine is found from the unpacked hive (lib/rbee beside its bin folder) without any setting.
//
// [Find] looks for one that `make bundles` made, and packs this installation's own programs where the node is of the
// same kind as this machine: a fresh build reaches those without further ado.
package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"

	"rbee/internal/fault"
)

// Platform is the kind of node a bundle is for, named as Go names it.
type Platform struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Device string `json:"device,omitempty"` // "" = what the platform's plain engine computes on: the processor, Metal on a Mac
}

// plain is p with the plain engine's device left out.
func (p Platform) plain() Platform {
	if p.Device == "cpu" || p.OS == "darwin" && p.Device == "metal" {
		p.Device = ""
	}
	return p
}

func (p Platform) String() string {
	if p = p.plain(); p.Device != "" {
		return p.OS + "/" + p.Arch + " with " + p.Device
	}
	return p.OS + "/" + p.Arch
}

// File is the name of the platform's bundle in a folder of bundles, without .tar.gz and .json.
func (p Platform) File() string {
	if p = p.plain(); p.Device != "" {
		return p.OS + "-" + p.Arch + "-" + p.Device
	}
	return p.OS + "-" + p.Arch
}

// Bundle is one that lies on this machine's disk, ready to be sent.
type Bundle struct {
	Platform
	Build  string `json:"build"`  // version.Build of its programs
	ID     string `json:"id"`     // SHA-256 of the uncompressed tar, 64 hex digits
	Size   int64  `json:"size"`   // of the uncompressed tar, bytes: about what it needs on the node's disk
	Packed int64  `json:"packed"` // of the file, bytes: what is sent
	Files  int    `json:"files"`  // files and links in it: a node counts them to see whether an unpacked one is whole
	Path   string `json:"-"`      // the .tar.gz
}

// Folder is the name of the unpacked bundle's folder on a node: enough of the ID to be unique, short enough for a path.
func (b Bundle) Folder() string { return b.ID[:32] }

// Open opens the compressed tar. It fails if the file is no longer the size it was.
func (b Bundle) Open() (io.ReadCloser, error) {
	f, err := os.Open(b.Path)
	if err != nil {
		return nil, fault.Wrap(fault.HiveStartFailed, err, "cannot read the bundle for %s: %v", b.Platform, err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != b.Packed {
		f.Close()
		return nil, b.damaged(fmt.Sprintf("it should have %d bytes", b.Packed))
	}
	return f, nil
}

// Verify unpacks the file and compares what comes out with the ID. It takes about half a second: it is for finding
// out on which side a bundle that arrived wrong was damaged.
func (b Bundle) Verify() error {
	f, err := b.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return b.damaged(err.Error())
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(z, b.Size+1)); err != nil {
		return b.damaged(err.Error())
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != b.ID {
		return b.damaged("its SHA-256 is " + got + ", not " + b.ID)
	}
	return nil
}

func (b Bundle) damaged(why string) error {
	return fault.New(fault.HiveStartFailed, "the bundle %s is damaged: %s", b.Path, why).
		WithHint("delete it; if it was made by make bundles, make it again")
}
