package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"rbee/actors/hive"
	"rbee/internal/fault"
	"rbee/internal/lend"
	"rbee/internal/models"
	"rbee/internal/models/fetch"
	"rbee/messages"
)

// take brings the queen's copy of a model that is not there. A name that means the same everywhere is looked for here
// first; what was a path over there is compared with what is here under its name. It returns how much was not there.
func (f *modelFiles) take(ctx context.Context, m *messages.ModelRef, say func(hive.Progress)) (hive.Found, int64, error) {
	if !isPath(m) {
		if there, err := f.find(ctx, m); !f.fetchable(m, err) {
			return there, 0, err
		}
	}
	g, err := f.gift(ctx, m)
	if err != nil {
		return hive.Found{}, 0, err
	}
	g.Progress = saying("receiving "+m.GetRef(), say)
	missing, err := f.fetcher.Take(ctx, g)
	if err != nil {
		return hive.Found{}, 0, err
	}
	there, err := f.find(ctx, m)
	return there, missing, err
}

// isPath: the queen calls a path by the name that it has here.
func isPath(m *messages.ModelRef) bool { return m.GetPushed() }

func (f *modelFiles) gift(ctx context.Context, m *messages.ModelRef) (fetch.Gift, error) {
	if f.queen == nil || m.GetLoan() == "" {
		return fetch.Gift{}, fault.New(fault.Internal, "the queen offers no copy of %s", m.GetRef())
	}
	dir, _, err := models.Dir(f.env(m))
	if err != nil {
		return fetch.Gift{}, err
	}
	return f.queen.Loan(m.GetLoan()).Gift(ctx, dir)
}

// lookAtGift says what take would bring.
func (f *modelFiles) lookAtGift(ctx context.Context, m *messages.ModelRef) (hive.Found, error) {
	g, err := f.gift(ctx, m)
	if err != nil {
		return hive.Found{}, err
	}
	folder := filepath.Join(g.Dir, g.Folder)
	missing, all := lend.Missing(g, func(file string) (int64, time.Time) {
		info, err := os.Stat(filepath.Join(folder, file))
		if err != nil {
			return -1, time.Time{}
		}
		return info.Size(), info.ModTime()
	})
	return hive.Found{Ref: m.GetRef(), Name: m.GetRef(), Path: filepath.Join(folder, g.Files[0].Name), Size: all, Fetch: max(1, missing)}, nil
}
