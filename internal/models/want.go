package models

import (
	"context"
	"path"
	"strings"
	"time"
)

// Fetcher gets a model that is not in the model directory.
type Fetcher interface {
	// Fetch puts the files of one model into w.Dir/w.Folder, each under FileName of its path in the repository.
	// After a nil error the model is looked for again.
	Fetch(ctx context.Context, w Want) error
}

// Want is a model that is not there, and where it is known to be.
type Want struct {
	Ref    Ref    // as the user wrote it
	Dir    string // the model directory, absolute; it may not exist yet
	Folder string // FolderName(Ref)

	Org, Repo string // on the hub
	Quant     string // "" if none is asked for
	File      string // path in the repository, "" if none is asked for

	// Progress is called, if not nil, from the goroutine that called Fetch, a few times a second.
	Progress func(Progress)
}

// Progress of a download.
type Progress struct {
	Bytes          int64         // of Total, on the disk
	Total          int64         // of all files of the model
	BytesPerSecond float64       // smoothed over some seconds; 0 before anything is known
	ETA            time.Duration // until Bytes is Total at that rate; 0 if the rate is 0
}

// WantOf returns what a fetch of a reference would have to bring, whether or not the model is there already. It is
// nil if it is not known where on the hub the model is. Errors are those of ParseRef and Dir.
func WantOf(ref string, env Env) (*Want, error) {
	r, err := ParseRef(ref)
	if err != nil {
		return nil, err
	}
	dir, _, err := Dir(env)
	if err != nil {
		return nil, err
	}
	if w, ok := env.want(r, dir); ok {
		return &w, nil
	}
	return nil, nil
}

// want returns where a model is on the hub; ok is false if that is not known.
func (e Env) want(r Ref, dir string) (w Want, ok bool) {
	w = Want{Ref: r, Dir: dir, Folder: FolderName(r), Progress: e.Progress}
	if r.Kind == Hub {
		w.Org, w.Repo, w.Quant, w.File = r.Org, r.Repo, r.Quant, r.File
		return w, true
	}
	s, ok := e.short(r)
	w.Org, w.Repo, w.Quant, w.File = s.Org, s.Repo, s.Quant, s.File
	return w, ok
}

// FileName is the name of a file in its model's folder: where a download puts it and where Resolve looks for it.
// The folder is flat, so the repository's own folders become part of the name: Q8_0/m.gguf is Q8_0--m.gguf, which
// still shows its quantisation and, if it is split, its part.
func FileName(inRepo string) string {
	return strings.ReplaceAll(path.Clean(inRepo), "/", "--")
}
