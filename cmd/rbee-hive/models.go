package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rbee/actors/hive"
	"rbee/deploy"
	"rbee/internal/fault"
	"rbee/internal/lend"
	"rbee/internal/models"
	"rbee/internal/models/fetch"
	"rbee/internal/models/shelf"
	"rbee/internal/models/sources"
	"rbee/messages"
)

// modelFiles finds the models of this node, and brings those that are not there.
type modelFiles struct {
	local   bool   // the caller's own machine: a relative path means something
	beside  string // the model directory of a machine that a queen put this program on; "" = the usual rule
	fetcher *fetch.Fetcher
	sources []models.Source // what other programs have downloaded, used where it lies
	queen   *lend.Client    // set once the way to it is open
}

func newModels(local bool) *modelFiles {
	return &modelFiles{local: local, beside: modelsBeside(), fetcher: fetch.New(fetch.Options{}), sources: sources.All(os.Getenv)}
}

func (f *modelFiles) env(m *messages.ModelRef) models.Env {
	e := models.Env{CWD: m.GetCwd(), ModelsDir: cmp.Or(m.GetModelsDir(), f.beside), Local: f.local, Getenv: os.Getenv, Sources: f.sources}
	if lend.Words(m) != m.GetAlias() && m.GetAlias() != "" {
		e.Names = map[string]string{m.GetRef(): m.GetAlias()}
	}
	return e
}

// ref is what to resolve.
func ref(m *messages.ModelRef) string { return lend.Words(m) }

// hub is the way to the hub for a request: with what the queen lends for it, if anything.
func (f *modelFiles) hub(m *messages.ModelRef) hub {
	if m.GetLoan() == "" || m.GetPush() {
		return f.fetcher
	}
	return f.fetcher.With(f.queen.Loan(m.GetLoan()))
}

// hub is a fetch.Fetcher, with a loan or without.
type hub interface {
	models.Fetcher
	shelf.Planner
}

// find looks on the disk only.
func (f *modelFiles) find(ctx context.Context, m *messages.ModelRef) (hive.Found, error) {
	return found(models.Resolve(ctx, ref(m), f.env(m)))
}

// get fetches what is not there, unless the caller forbids it.
func (f *modelFiles) get(ctx context.Context, m *messages.ModelRef, say func(hive.Progress)) (hive.Found, error) {
	if m.GetPush() {
		found, _, err := f.take(ctx, m, say)
		return found, err
	}
	e := f.env(m)
	if !m.GetNoPull() {
		e.Fetcher, e.Progress = f.hub(m), saying("downloading "+m.GetRef(), say)
	}
	return found(models.Resolve(ctx, ref(m), e))
}

// saying tells of progress; first in a line of its own, where no bar can be drawn.
func saying(what string, say func(hive.Progress)) func(models.Progress) {
	began := false
	return func(p models.Progress) {
		if !began {
			began = true
			say(hive.Progress{Text: fmt.Sprintf("%s (%.1f MB)", what, float64(p.Total)/1e6), Total: p.Total})
		}
		say(hive.Progress{Text: what + rate(p), Fraction: max(float64(p.Bytes)/float64(max(p.Total, 1)), 0.001), Total: p.Total})
	}
}

// fetchable says whether get may succeed where find did not.
func (f *modelFiles) fetchable(m *messages.ModelRef, err error) bool {
	if m.GetPush() {
		return fault.CodeOf(err) == fault.ModelNotFound
	}
	if m.GetNoPull() || fault.CodeOf(err) != fault.ModelNotFound {
		return false
	}
	w, err := models.WantOf(ref(m), f.env(m))
	return err == nil && w != nil
}

// look asks the hub what get would bring.
func (f *modelFiles) look(ctx context.Context, m *messages.ModelRef) (hive.Found, error) {
	if m.GetPush() {
		return f.lookAtGift(ctx, m)
	}
	w, err := models.WantOf(ref(m), f.env(m))
	if err != nil || w == nil {
		return hive.Found{}, cmp.Or(err, error(fault.New(fault.ModelNotFound, "it is not known where %s is", m.GetRef())))
	}
	p, err := f.hub(m).Plan(ctx, *w)
	if err != nil {
		return hive.Found{}, err
	}
	return hive.Found{Ref: m.GetRef(), Name: m.GetRef(), Path: p.Files[0].Place, Size: p.Size, Fetch: max(1, p.Size-p.Have)}, nil
}

func rate(p models.Progress) string {
	text := fmt.Sprintf(" (%.1f of %.1f MB", float64(p.Bytes)/1e6, float64(p.Total)/1e6)
	if p.BytesPerSecond > 0 {
		text += fmt.Sprintf(", %.1f MB/s, %s left", p.BytesPerSecond/1e6, p.ETA.Round(time.Second))
	}
	return text + ")"
}

func found(m *models.Model, err error) (hive.Found, error) {
	if err != nil {
		return hive.Found{}, err
	}
	return hive.Found{Ref: m.Ref, Name: m.Name, Path: m.Path, Size: m.Size, Header: m.Header}, nil
}

// modelsBeside is where models are on a machine that a queen put this program on, unless its user says otherwise.
func modelsBeside() string {
	exe, err := os.Executable()
	if err != nil || os.Getenv("RBEE_MODELS_DIR") != "" {
		return ""
	}
	root, ok := deploy.CacheRoot(exe)
	if !ok {
		return ""
	}
	return filepath.Join(root, "models")
}
