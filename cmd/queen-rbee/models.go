package main

import (
	"context"
	"os"
	"time"

	"rbee/internal/config"
	"rbee/internal/gateway"
	"rbee/internal/models"
	"rbee/internal/models/sources"
)

// ownModels lists what this machine has, each by a name that a request can give: the built-in demo, the model
// directory, other programs' models, and the short names that stand for one of these.
func ownModels(env config.Env) func(context.Context) ([]gateway.ModelInfo, error) {
	return func(ctx context.Context) ([]gateway.ModelInfo, error) {
		e := models.Env{Local: true, Getenv: os.Getenv, Sources: sources.All(os.Getenv)}
		if f, err := env.Load(""); err == nil { // a bad one is reported to whoever asks for a node
			e.Names = f.Models
		}
		found, err := models.List(ctx, e)
		if err != nil {
			return nil, err
		}
		count := map[string]int{}
		for _, m := range found {
			count[m.Ref]++
		}
		all := []gateway.ModelInfo{{ID: "demo", Source: "rbee"}}
		known := map[string]bool{"demo": true}
		add := func(id, path string) {
			if !known[id] {
				known[id] = true
				all = append(all, gateway.ModelInfo{ID: id, Path: path, Source: "rbee", Changed: changed(path)})
			}
		}
		for _, m := range found {
			switch {
			case m.Broken != nil:
			case count[m.Ref] > 1: // several files in one folder: the name alone would not pick one
				add(m.Path, m.Path)
			default:
				add(m.Ref, m.Path)
			}
		}
		for _, short := range models.ShortNames(e) {
			if m, err := models.Resolve(ctx, short, e); err == nil {
				add(short, m.Path)
			}
		}
		return all, nil
	}
}

// changed is when a file was written; the zero time if it is gone.
func changed(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
