package remote

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// Said is what a command wrote.
type Said struct{ Stdout, Stderr string }

// maxOutput bounds each of a command's outputs; what is beyond it is read and dropped.
const maxOutput = 1 << 20

// Output runs a command to its end with stdin, which may be nil, and returns what it wrote. An error means that it
// could not be started, or that ctx ended first; how it ended is in Exit.
func Output(ctx context.Context, c Conn, words []string, stdin io.Reader) (Said, Exit, error) {
	s, err := c.Start(ctx, words)
	if err != nil {
		return Said{}, Exit{}, err
	}
	defer s.Close()
	var out, errs capped
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&out, s) })
	reading.Go(func() { _, _ = io.Copy(&errs, s.Stderr()) })
	go func() {
		if stdin != nil {
			_, _ = io.Copy(s, stdin)
		}
		_ = s.CloseWrite()
	}()
	select {
	case <-s.Done():
	case <-ctx.Done():
		return Said{}, Exit{}, context.Cause(ctx)
	}
	read := make(chan struct{})
	go func() { reading.Wait(); close(read) }()
	select {
	case <-read:
	case <-ctx.Done(): // somebody it started holds its outputs
	}
	return Said{out.String(), errs.String()}, s.Exit(), nil
}

// capped keeps the first maxOutput bytes.
type capped struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *capped) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b.Write(b[:min(len(b), maxOutput-c.b.Len())])
	return len(b), nil
}

func (c *capped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}
