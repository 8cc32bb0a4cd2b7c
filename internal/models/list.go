package models

import "context"

// List returns what is in the model directory, by name; a model that Resolve would refuse is in it with Broken
// set, and after it what other programs have (Env.Sources). The built-in demo is in it once it has been written.
func List(ctx context.Context, env Env) ([]Model, error) {
	dir, why, err := Dir(env)
	if err != nil {
		return nil, err
	}
	all, err := scanAll(dir)
	if err != nil {
		return nil, cannotRead(dir, err)
	}
	var found []Model
	for _, c := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m := Model{Ref: c.name(), Name: c.name(), Path: c.path(), Source: "model directory (" + why + ")"}
		switch whole, err := c.model(m.Name, m.Source); {
		case err != nil:
			m.Broken = err
		case !inside(dir, c.path()):
			m.Broken = leaves(Ref{Text: m.Name}, dir, c.path())
		default:
			m.Parts = whole.Parts
			m.Broken = m.check()
		}
		found = append(found, m)
	}
	local, err := env.listLocal(ctx)
	return append(found, local...), err
}
