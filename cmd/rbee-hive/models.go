package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rbee/actors/hive"
	"rbee/deploy"
	"rbee/internal/fault"
	"rbee/internal/models"
	"rbee/internal/models/fetch"
	"rbee/internal/models/sources"
	"rbee/messages"
)

// modelFiles finds the models of this node, and brings those that are not there.
type modelFiles struct {
	local   bool   // the caller's own machine: a relative path means something
	beside  string // the model directory of a machine that a queen put this program on; "" = the usual rule
	fetcher *fetch.Fetcher
	sources []models.Source // what other programs have downloaded, used where it lies
}

func newModels(local bool) *modelFiles {
	return &modelFiles{local: local, beside: modelsBeside(), fetcher: fetch.New(fetch.Options{}), sources: sources.All(os.Getenv)}
}

func (f *modelFiles) env(m *messages.ModelRef) models.Env {
	e := models.Env{CWD: m.GetCwd(), ModelsDir: cmp.Or(m.GetModelsDir(), f.beside), Local: f.local, Getenv: os.Getenv, Sources: f.sources}
	if isHub(m.GetAlias()) {
		e.Names = map[string]string{m.GetRef(): m.GetAlias()}
	}
	return e
}

func isHub(alias string) bool { return strings.HasPrefix(alias, "hf:") }

// ref is what to resolve: what the caller wrote, or what that stands for in the caller's configuration. A place on the
// hub is an alias of its own kind: the model keeps its short name on the disk.
func ref(m *messages.ModelRef) string {
	if m.GetAlias() != "" && !isHub(m.GetAlias()) {
		return m.GetAlias()
	}
	return m.GetRef()
}

// find looks on the disk only.
func (f *modelFiles) find(ctx context.Context, m *messages.ModelRef) (hive.Found, error) {
	return found(models.Resolve(ctx, ref(m), f.env(m)))
}

// get fetches what is not there, unless the caller forbids it.
func (f *modelFiles) get(ctx context.Context, m *messages.ModelRef, say func(hive.Progress)) (hive.Found, error) {
	e := f.env(m)
	if !m.GetNoPull() {
		e.Fetcher = f.fetcher
		began := false
		e.Progress = func(p models.Progress) {
			if !began { // a line of its own, where no bar can be drawn
				began = true
				say(hive.Progress{Text: fmt.Sprintf("downloading %s (%.1f MB)", m.GetRef(), float64(p.Total)/1e6), Total: p.Total, Bytes: p.Bytes})
			}
			say(hive.Progress{Text: "downloading " + m.GetRef() + rate(p), Fraction: max(float64(p.Bytes)/float64(max(p.Total, 1)), 0.001), Total: p.Total, Bytes: p.Bytes})
		}
	}
	return found(models.Resolve(ctx, ref(m), e))
}

// fetchable says whether get may succeed where find did not.
func (f *modelFiles) fetchable(m *messages.ModelRef, err error) bool {
	if m.GetNoPull() || fault.CodeOf(err) != fault.ModelNotFound {
		return false
	}
	w, err := models.WantOf(ref(m), f.env(m))
	return err == nil && w != nil
}

// look asks the hub what get would bring.
func (f *modelFiles) look(ctx context.Context, m *messages.ModelRef) (hive.Found, error) {
	w, err := models.WantOf(ref(m), f.env(m))
	if err != nil || w == nil {
		return hive.Found{}, cmp.Or(err, error(fault.New(fault.ModelNotFound, "it is not known where %s is", m.GetRef())))
	}
	p, err := f.fetcher.Plan(ctx, *w)
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
