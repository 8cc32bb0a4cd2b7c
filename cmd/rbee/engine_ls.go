package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
)

// engineRow is one build of the libraries for this machine, as `rbee engine ls --json` prints it.
type engineRow struct {
	Backend string `json:"backend"`
	Package string `json:"package"`
	Release string `json:"release"`
	Folder  string `json:"folder,omitempty"` // "" = not installed
}

func newEngineLs(t *terminal) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "ls",
		Short: "List the builds of the libraries for this machine, and which of them are installed",
		Long: `ls says which libraries are installed. What they find to compute on, rbee node detect localhost says: that needs
their drivers.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			folders := map[string]string{}
			for _, s := range enginelib.Installed(t.getenv, ourProgram()) {
				folders[s.Name] = s.Dir
			}
			rows := []engineRow{}
			for _, target := range enginelib.HostTargets() {
				rows = append(rows, engineRow{target.Backend(), target.Package(), enginelib.Release, folders[target.Name]})
			}
			if asJSON {
				return json.NewEncoder(t.stdout).Encode(rows)
			}
			for _, r := range rows {
				where := r.Folder
				if where == "" {
					where = "not installed: rbee engine install --backend " + r.Backend
				}
				if _, err := fmt.Fprintf(t.stdout, "%-8s %s  %-40s %s\n", r.Backend, r.Release, r.Package, where); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON array")
	return c
}

// targetOf is the build that computes on a backend here; "" is the plain one.
func targetOf(backend string) (enginelib.Target, error) {
	target, ok := enginelib.TargetWith(runtime.GOOS, runtime.GOARCH, backend)
	if ok {
		return target, nil
	}
	if len(enginelib.HostTargets()) == 0 {
		return target, fault.New(fault.EngineUnavailable, "there is no llama.cpp %s for %s/%s", enginelib.Release, runtime.GOOS, runtime.GOARCH)
	}
	return target, usagef("--backend is %.40q, and there is no build of llama.cpp %s for it on %s/%s", backend, enginelib.Release, runtime.GOOS, runtime.GOARCH).
		hint("allowed is %s", strings.Join(backends(), ", "))
}

// backends are those that there is a build for on this platform, the plain one first.
func backends() []string {
	var all []string
	for _, t := range enginelib.HostTargets() {
		all = append(all, t.Backend())
	}
	if len(all) == 0 {
		return []string{"none"}
	}
	return all
}
