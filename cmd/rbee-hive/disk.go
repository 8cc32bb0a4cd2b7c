package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rbee/actors/hive"
	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/models/shelf"
	"rbee/messages"
)

// sayEvery is how often progress is worth a message.
const sayEvery = 200 * time.Millisecond

// disk answers about the models of this node.
func (f *modelFiles) disk(ctx context.Context, t *messages.DiskTask, m *messages.ModelRef, hooks hive.DiskHooks) (rows [][]byte, err error) {
	row := func(v any) error {
		b, err := json.Marshal(v)
		rows = append(rows, b)
		return err
	}
	one := func(v any, err error) ([][]byte, error) {
		if err == nil {
			err = row(v)
		}
		return rows, err
	}
	env := f.env(m)
	switch t.GetVerb() {
	case api.DoPull:
		return one(f.pull(ctx, m, hooks.Say))
	case api.DoList:
		all, err := shelf.List(ctx, env)
		for _, r := range all {
			if err == nil {
				err = row(r)
			}
		}
		return rows, err
	case api.DoInfo:
		return one(shelf.Describe(ctx, ref(m), env, t.GetContext(), max(1, t.GetSlots())))
	case api.DoVerify:
		return rows, f.verify(ctx, t, m, hooks.Say, func(v shelf.Verified) error { return row(v) })
	case api.DoRemove:
		return one(shelf.Remove(ref(m), env, hooks.InUse))
	case api.DoUse:
		return one(shelf.Use(env))
	}
	return nil, fault.New(fault.InvalidRequest, "nobody knows how to %.20q", t.GetVerb())
}

// pull brings a model that is not there, and says how much came.
func (f *modelFiles) pull(ctx context.Context, m *messages.ModelRef, say func(hive.Progress)) (shelf.Pulled, error) {
	p := shelf.Pulled{Model: m.GetRef()}
	if m.GetPush() {
		there, missing, err := f.take(ctx, m, say)
		p.Path, p.Size, p.Fetched = there.Path, there.Size, missing
		return p, err
	}
	there, err := f.find(ctx, m)
	if err != nil {
		if !f.fetchable(m, err) && fault.CodeOf(err) != fault.ModelCorrupt {
			return p, err
		}
		if there, err = f.get(ctx, m, say); err != nil {
			return p, err
		}
		p.Fetched = there.Size
	}
	p.Path, p.Size = there.Path, there.Size
	return p, nil
}

func (f *modelFiles) verify(ctx context.Context, t *messages.DiskTask, m *messages.ModelRef, say func(hive.Progress), found func(shelf.Verified) error) error {
	var hub shelf.Planner
	if !t.GetOffline() {
		hub = f.hub(m)
	}
	var last time.Time
	return shelf.Verify(ctx, ref(m), f.env(m), hub, func(done, total int64) {
		if time.Since(last) < sayEvery && done < total {
			return
		}
		last = time.Now()
		say(hive.Progress{Text: fmt.Sprintf("verifying %s (%.1f of %.1f MB)", m.GetRef(), float64(done)/1e6, float64(total)/1e6),
			Fraction: max(float64(done)/float64(max(total, 1)), 0.001), Total: total})
	}, found)
}
