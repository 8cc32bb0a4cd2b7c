package models

import (
	"os"
	"sync"
	"time"

	"rbee/internal/gguf"
)

// headers remembers the headers of good files: a hive resolves the same model for every request.
var headers = headerCache{good: map[string]goodHeader{}}

// headerCache holds a header as long as its file's size and time of change stay. A file changed a moment ago may
// change again within one tick of its clock, so it is not remembered yet.
type headerCache struct {
	mu   sync.Mutex
	good map[string]goodHeader
}

type goodHeader struct {
	size    int64
	changed time.Time
	header  *gguf.Header
}

const (
	settled    = 2 * time.Second // the coarsest file system clock (FAT)
	maxHeaders = 256             // more paths than any node has models; then it starts afresh
)

func (c *headerCache) check(path string) (*gguf.Header, error) {
	before, err := os.Stat(path)
	if err == nil {
		c.mu.Lock()
		g, ok := c.good[path]
		c.mu.Unlock()
		if ok && g.size == before.Size() && g.changed.Equal(before.ModTime()) {
			return g.header, nil
		}
	}
	h, checkErr := gguf.Check(path)
	if checkErr != nil {
		return nil, checkErr
	}
	if err == nil && h.FileSize == before.Size() && time.Since(before.ModTime()) > settled {
		c.mu.Lock()
		if len(c.good) >= maxHeaders {
			clear(c.good)
		}
		c.good[path] = goodHeader{before.Size(), before.ModTime(), h}
		c.mu.Unlock()
	}
	return h, nil
}
