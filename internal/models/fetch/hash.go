package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// digest hashes the file while it comes: what is there without a gap is read back, out of the page cache, so that
// the digest is known right after the last byte.
func (p *partial) digest(ctx context.Context) (string, error) {
	sum, buf := sha256.New(), make([]byte, 256<<10) // small enough to be hashed out of the processor's cache
	for at := int64(0); at < p.file.size; {
		n := min(p.whole()-at, int64(len(buf)))
		if n == 0 {
			select {
			case <-p.wake:
			case <-ctx.Done():
				return "", ctx.Err()
			}
			continue
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := p.f.ReadAt(buf[:n], at); err != nil {
			return "", err
		}
		sum.Write(buf[:n])
		at += n
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
