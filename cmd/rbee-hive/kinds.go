package main

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rbee/internal/fault"
	"rbee/internal/workerkind"
)

const (
	usualProgram = workerkind.UsualProgram
	kindTime     = 5 * time.Second
	maxKinds     = 32
)

// kinds are the workers' programs beside this one.
type kinds struct{}

// kind is one of them.
type kind struct{ workerkind.Kind }

func (k kind) usual() bool { return k.Program == usualProgram }

// find returns the kind of that name. The usual one is known without asking; others are asked each time: a process of a
// few milliseconds before one that loads a model.
func (*kinds) find(ctx context.Context, name string) (kind, error) {
	if workerkind.Same(name, "") {
		return kind{workerkind.Kind{Name: workerkind.Usual, Program: usualProgram}}, nil
	}
	all := listKinds(ctx)
	if i := slices.IndexFunc(all, func(k workerkind.Kind) bool { return k.Name == name && k.Error == "" }); i >= 0 {
		return kind{all[i]}, nil
	}
	return kind{}, workerkind.Unknown(name, all)
}

// listKinds asks all programs beside this one whose names say that they are workers, the usual one first. What is no
// worker after all is listed with the reason.
func listKinds(ctx context.Context) []workerkind.Kind {
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	entries, _ := os.ReadDir(filepath.Dir(exe))
	var all []workerkind.Kind
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(filepath.Dir(exe), e.Name()))
		if !strings.HasPrefix(e.Name(), workerkind.Prefix) || err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 || len(all) == maxKinds {
			continue
		}
		all = append(all, askKind(ctx, e.Name()))
	}
	slices.SortStableFunc(all, func(a, b workerkind.Kind) int {
		switch {
		case a.Program == b.Program:
			return 0
		case a.Program == usualProgram:
			return -1
		case b.Program == usualProgram:
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	for i := 1; i < len(all); i++ {
		if j := slices.IndexFunc(all[:i], func(k workerkind.Kind) bool { return k.Name == all[i].Name && k.Error == "" }); j >= 0 && all[i].Error == "" {
			all[i].Error = "its name is that of " + all[j].Program
		}
	}
	return all
}

func askKind(ctx context.Context, program string) workerkind.Kind {
	var k workerkind.Kind
	_, err := ask(ctx, program, "kind", kindTime, nil, &k)
	if err == nil {
		err = k.Check()
	}
	if err != nil {
		return workerkind.Kind{Name: program, Program: program, Error: fault.From(err).Message}
	}
	k.Program, k.Error = program, ""
	return k
}
