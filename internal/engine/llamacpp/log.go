package llamacpp

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/hybridgroup/yzma/pkg/llama"
	"golang.org/x/sys/unix"
)

// keptLines is how many of llama.cpp's last complaints are kept for the text of an error.
const keptLines = 8

// nativeLog receives what llama.cpp writes: from any thread, in fragments, a line at a time or less.
var nativeLog struct {
	sync.Mutex
	to    *slog.Logger
	level int32
	line  strings.Builder
	kept  []string // warnings and errors, oldest first
}

func logTo(l *slog.Logger) {
	nativeLog.Lock()
	defer nativeLog.Unlock()
	nativeLog.to = l
}

// onLog is called by native code.
func onLog(level int32, text *byte, _ uintptr) uintptr {
	l := &nativeLog
	l.Lock()
	defer l.Unlock()
	if level != int32(llama.LogLevelContinue) {
		l.level = level
	}
	if l.level != int32(llama.LogLevelWarn) && l.level != int32(llama.LogLevelError) {
		return 0
	}
	for part := range strings.SplitAfterSeq(unix.BytePtrToString(text), "\n") {
		l.line.WriteString(part)
		if strings.HasSuffix(part, "\n") {
			endLine()
		}
	}
	return 0
}

// warn says something of our own where llama.cpp's warnings go.
func warn(line string) {
	nativeLog.Lock()
	defer nativeLog.Unlock()
	if nativeLog.to != nil {
		nativeLog.to.Warn(line)
	}
}

// endLine hands on a finished line. The lock is held.
func endLine() {
	l := &nativeLog
	line := strings.TrimSpace(l.line.String())
	l.line.Reset()
	if line == "" {
		return
	}
	if len(l.kept) == keptLines {
		l.kept = append(l.kept[:0], l.kept[1:]...)
	}
	l.kept = append(l.kept, line)
	if l.to == nil {
		return
	}
	level := slog.LevelWarn
	if l.level == int32(llama.LogLevelError) {
		level = slog.LevelError
	}
	l.to.Log(context.Background(), level, line, "from", "llama.cpp")
}

// forgetComplaints empties what complaints returns; called before an act whose failure is to be explained.
func forgetComplaints() {
	nativeLog.Lock()
	defer nativeLog.Unlock()
	nativeLog.kept = nil
}

// complaints returns llama.cpp's last warnings and errors, oldest first.
func complaints() []string {
	nativeLog.Lock()
	defer nativeLog.Unlock()
	return append([]string(nil), nativeLog.kept...)
}
