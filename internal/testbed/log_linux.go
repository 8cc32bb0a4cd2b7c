package testbed

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// maxLog bounds what is kept of a host's log, in bytes.
const maxLog = 1 << 20

// hostLog keeps what init and sshd of a host say.
type hostLog struct {
	r    *os.File
	over chan struct{} // closed at the end of the log

	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed, and replaced, whenever text grew
}

func collect(r *os.File) *hostLog {
	l := &hostLog{r: r, over: make(chan struct{}), more: make(chan struct{})}
	go func() {
		defer close(l.over)
		b := make([]byte, 4096)
		for {
			n, err := r.Read(b)
			l.mu.Lock()
			if l.text.Len() < maxLog {
				l.text.Write(b[:n])
			}
			close(l.more)
			l.more = make(chan struct{})
			l.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return l
}

func (l *hostLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait returns when the log holds text n times.
func (l *hostLog) wait(text string, n int) error {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		l.mu.Lock()
		more, found := l.more, strings.Count(l.text.String(), text)
		l.mu.Unlock()
		if found >= n {
			return nil
		}
		select {
		case <-more:
		case <-l.over:
			return fmt.Errorf("it ended without %q:\n%s", text, l)
		case <-limit.C:
			return fmt.Errorf("no %q within %v:\n%s", text, patience, l)
		}
	}
}

// close waits for the last writer to end.
func (l *hostLog) close() error {
	l.r.SetReadDeadline(time.Now().Add(patience))
	<-l.over
	return l.r.Close()
}
