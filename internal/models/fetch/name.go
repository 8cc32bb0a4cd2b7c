package fetch

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"rbee/internal/models"
)

const (
	maxPath = 1024    // bytes of a path in a repository
	maxSize = 1 << 44 // bytes of a file: 16 TiB
	// maxFile is what a file name may have on disk (255 bytes), less what a download adds to it.
	maxFile = 255 - len(stateEnd) - len(".")
)

var (
	hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hexCommit = regexp.MustCompile(`^[0-9a-f]{40,64}$`)
)

// checkPath says why a path of a repository is not one that we write, nil if it is.
func checkPath(p string) error {
	switch {
	case p == "" || len(p) > maxPath:
		return fmt.Errorf("a file name of %d bytes", len(p))
	case !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the file name %.100q, which cannot be printed", p)
	case strings.ContainsAny(p, `\:`) || path.Clean("/" + p)[1:] != p || strings.Contains("/"+p, "/.") || !filepath.IsLocal(p):
		return fmt.Errorf("the file name %.100q, which leads elsewhere", p)
	case len(models.FileName(p)) > maxFile:
		return fmt.Errorf("the file name %.100q..., which has more than %d bytes", p, maxFile)
	}
	return nil
}

// check says why what the hub states about a file cannot be believed, nil if it can.
func (f file) check() error {
	if err := checkPath(f.path); err != nil {
		return err
	}
	switch {
	case f.size <= 0 || f.size > maxSize:
		return fmt.Errorf("%d bytes as the size of %s", f.size, f.path)
	case f.sha256 == "":
		return fmt.Errorf("no SHA-256 digest for %s, so that it could not be checked", f.path)
	case !hexDigest.MatchString(f.sha256):
		return fmt.Errorf("%.100q as the SHA-256 digest of %s", f.sha256, f.path)
	}
	return nil
}
