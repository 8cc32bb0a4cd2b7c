package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"rbee/internal/fault"
)

// verify compares the file's SHA-256 digest; it reads the whole file, and stops when ctx is done.
func (m *Model) verify(ctx context.Context, want string) error {
	if m.Parts != nil {
		return fault.New(fault.ModelRefInvalid, "a digest names one file, and model %s has %d", m.Name, len(m.Parts)).
			WithHint("leave @sha256: away")
	}
	got, err := Digest(ctx, m.Path, nil)
	if err != nil {
		return err
	}
	if got != want {
		return fault.New(fault.ModelCorrupt, "%s has the SHA-256 digest %s, the reference expects %s", m.Path, got, want).
			WithHint("get the file again, or correct the reference").
			With("path", m.Path).With("expected", want).With("found", got)
	}
	return nil
}

// Digest is the SHA-256 of a file, in lower-case hex. It reads all of it, and stops when ctx is done. read hears how
// many bytes have been read; it may be nil.
func Digest(ctx context.Context, path string, read func(int64)) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", cannotRead(path, err)
	}
	defer f.Close()
	sum := sha256.New()
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := io.CopyN(sum, f, 8<<20)
		if at += n; read != nil {
			read(at)
		}
		if err == io.EOF {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", cannotRead(path, err)
		}
	}
}
