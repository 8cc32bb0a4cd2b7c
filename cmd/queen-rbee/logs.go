package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"rbee/internal/config"
	"rbee/internal/runlog"
)

// logs are what a daemon says: on its stderr (text on a terminal, JSON otherwise) and in a file of its run's folder,
// beside those of its hives and workers.
type logs struct {
	*slog.Logger
	level slog.LevelVar
	dir   *runlog.Dir
	path  string // of dir; "" = none
	file  *runlog.File
}

// Where to log, of --log.
const (
	toStderr = "stderr"
	toFile   = "file"
	toBoth   = "both"
)

func openLogs(env config.Env, run string) *logs {
	l := &logs{}
	l.Logger = slog.New(l.stderr())
	warn := func(err error) { l.Warn("no log is kept of hives and workers", "error", err) }
	dir, err := env.LogDir(run)
	if err != nil {
		warn(err)
		return l
	}
	l.dir, l.path = runlog.New(dir, warn), dir
	go runlog.Prune(filepath.Dir(dir))
	return l
}

func (l *logs) stderr() slog.Handler {
	o := &slog.HandlerOptions{Level: &l.level}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return slog.NewTextHandler(os.Stderr, o)
	}
	return slog.NewJSONHandler(os.Stderr, o)
}

// keep begins the file, once it is known that this daemon serves: one that could not start has said so on stderr, and
// leaves nothing.
func (l *logs) keep(where string) {
	if where == toStderr || l.dir == nil {
		return
	}
	var err error
	if l.file, err = l.dir.Open("queen"); err != nil {
		l.Warn("no log is kept of the queen", "error", err)
		return
	}
	file := slog.NewJSONHandler(l.file, &slog.HandlerOptions{Level: &l.level})
	if where == toFile {
		l.Logger = slog.New(file)
		return
	}
	l.Logger = slog.New(slog.NewMultiHandler(l.stderr(), file))
}

// set takes over a level's name; what is none was refused before.
func (l *logs) set(name string) {
	level := slog.LevelInfo
	if name != "" {
		if err := level.UnmarshalText([]byte(name)); err != nil {
			l.Warn("the log level is none", "level", name)
			return
		}
	}
	l.level.Set(level)
}

func (l *logs) Close() {
	if l.file != nil {
		l.file.Close()
	}
	l.dir.Close()
}

func knownLevel(name string) error {
	switch name {
	case "", "debug", "info", "warn", "error":
		return nil
	}
	return fmt.Errorf("--log-level is %q, allowed is debug, info, warn or error", name)
}
