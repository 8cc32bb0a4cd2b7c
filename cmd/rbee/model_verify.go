package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/models/fetch"
	"rbee/internal/models/shelf"
	"rbee/internal/ui"
)

func newModelVerify(p *modelPlace) *cobra.Command {
	var asJSON, offline bool
	c := &cobra.Command{
		Use:   "verify MODEL",
		Short: "Compute a model's digest again, and compare it with what it should be",
		Long: `verify checks the header, reads every byte, and compares the SHA-256 digest with the one of the reference
(MODEL@sha256:...), of the cache the file is in, or of the hub that the model is from. If none of them knows it, the
digest is printed and nothing is claimed.`,
		Example: `  rbee model verify tinyllama
  rbee model verify tinyllama --offline
  rbee model verify tinyllama --node any`,
		Args:              oneModel,
		ValidArgsFunction: completeModels(p.t, p.cfg),
		RunE: func(c *cobra.Command, args []string) error {
			there, err := p.elsewhere(c)
			if err != nil {
				return err
			}
			if there {
				return p.verifyNodes(c, asJSON, api.DiskRequest{Do: api.DoVerify, Model: args[0], Offline: offline})
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			env, err := p.env()
			if err != nil {
				return err
			}
			var hub shelf.Planner
			if !offline {
				hub = fetch.New(fetch.Options{Getenv: env.Getenv})
			}
			var wrong error
			err = shelf.Verify(ctx, args[0], env, hub, nil, func(v shelf.Verified) error {
				if wrong == nil {
					wrong = v.Wrong()
				}
				if asJSON {
					return p.writeJSON(v)
				}
				return tellVerified(p.t.stdout, "", v)
			})
			switch {
			case ctx.Err() != nil:
				return fault.New(fault.Cancelled, "cancelled")
			case err != nil:
				return err
			}
			return wrong
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "do not ask the hub")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON Lines, one object a file")
	return c
}

// verifyNodes has nodes read their own files. A wrong digest fails its node and no other.
func (p *modelPlace) verifyNodes(c *cobra.Command, asJSON bool, r api.DiskRequest) error {
	e, err := p.newErrand(c, asJSON, r)
	if err != nil {
		return err
	}
	e.atOnce = true
	e.show = func(node string, rows []json.RawMessage) error {
		return each(rows, func(v shelf.Verified, raw json.RawMessage) error {
			if err := v.Wrong(); err != nil {
				e.wrong = append(e.wrong, told{node: node, failed: fault.From(err)})
			}
			if asJSON {
				return p.writeRow(node, raw)
			}
			return tellVerified(e.stdout, node+"  ", v)
		})
	}
	return e.do()
}

func tellVerified(w io.Writer, before string, v shelf.Verified) error {
	_, err := fmt.Fprintf(w, "%s%s  %s: %s\n", ui.Line(before), ui.Line(v.SHA256), ui.Line(v.File), ui.Line(v.Says()))
	return err
}
