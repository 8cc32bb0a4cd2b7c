package enginelib

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Limits on a package: the biggest real one (CUDA) unpacks to some 500 MB in two dozen files. They are what
// stands between a hostile archive and a full disk, should the digest ever be wrong.
const (
	maxEntries  = 1024
	maxUnpacked = 2 << 30
)

// wanted are the libraries a worker loads. The package also has a node.js add-on and llama.cpp's tool library
// (libllama-common): 6 MB that nobody opens.
var wanted = regexp.MustCompile(`^lib(llama|ggml|ggml-[a-z0-9]+(-[a-z0-9._]+)?)(\.[a-z]+)?(\.v[0-9.]+)?\.(so|dylib)$`)

// unpacked is one file that unpack wrote.
type unpacked struct {
	name   string
	size   int64
	sha256 string
}

// unpack writes the libraries of a package, its metadata and its licence into dir, flat, and returns them. Names
// in the archive choose among the wanted files; they never choose a path. Links and special files are ignored.
func unpack(archive io.Reader, dir string, t Target) ([]unpacked, error) {
	gz, err := gzip.NewReader(archive)
	if err != nil {
		return nil, fmt.Errorf("cannot unpack: %w", err)
	}
	defer gz.Close()
	limited := &io.LimitedReader{R: gz, N: maxUnpacked}
	r := tar.NewReader(limited)
	var files []unpacked
	for range maxEntries {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if limited.N <= 0 {
			return nil, fmt.Errorf("cannot unpack: more than %d bytes", maxUnpacked)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot unpack: %w", err)
		}
		name, ok := accept(h, t)
		if !ok {
			continue
		}
		f, err := writeFile(filepath.Join(dir, name), r)
		if err != nil {
			return nil, fmt.Errorf("cannot unpack %s: %w", name, err)
		}
		files = append(files, f)
	}
	return nil, fmt.Errorf("cannot unpack: more than %d entries", maxEntries)
}

// accept returns the plain file name under which an entry is kept.
func accept(h *tar.Header, t Target) (string, bool) {
	if h.Typeflag != tar.TypeReg || strings.Contains(h.Name, "..") {
		return "", false
	}
	folder, name := path.Split(h.Name)
	switch folder {
	case "package/":
		return name, name == "LICENSE"
	case "package/bins/" + t.Name + "/":
		return name, name == metadataFile || wanted.MatchString(name) && !strings.HasPrefix(name, "libllama-")
	}
	return "", false
}

func writeFile(name string, r io.Reader) (unpacked, error) {
	mode := os.FileMode(0o644)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return unpacked{}, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), r)
	if err := errors.Join(err, f.Close()); err != nil {
		return unpacked{}, err
	}
	return unpacked{filepath.Base(name), n, hex.EncodeToString(h.Sum(nil))}, nil
}
