package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"rbee/internal/config"
	"rbee/internal/engine/enginelib"
)

// newEngine is the commands for the inference engine's shared libraries.
func newEngine(t *terminal, env config.Env) *cobra.Command {
	var dir string
	group := &cobra.Command{
		Use:   "engine",
		Short: "Install, find and verify the inference engine's libraries",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		},
	}
	install := &cobra.Command{
		Use:   "install",
		Short: "Fetch llama.cpp's libraries with npm, check them, and put them in place",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				dir = enginelib.Destination(t.getenv)
			}
			if dir == "" {
				_, err := env.CacheDir()
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			if err := enginelib.Install(ctx, dir, t.stderr); err != nil {
				return err
			}
			_, err := fmt.Fprintln(t.stdout, dir)
			return err
		},
	}
	path := &cobra.Command{
		Use:   "path",
		Short: "Print the folder that workers load the libraries from",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			found, err := findEngine(t)
			if err == nil {
				_, err = fmt.Fprintln(t.stdout, found)
			}
			return err
		},
	}
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Compare every library with the digest it was installed with",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) (err error) {
			if dir == "" {
				if dir, err = findEngine(t); err != nil {
					return err
				}
			}
			if err := enginelib.Verify(dir); err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.stdout, "%s: ok\n", dir)
			return err
		},
	}
	install.Flags().StringVar(&dir, "dir", "", "the folder to install into (default: $RBEE_ENGINE_DIR, the cache)")
	verify.Flags().StringVar(&dir, "dir", "", "the folder to verify (default: the one that path prints)")
	group.AddCommand(install, path, verify)
	return group
}

// findEngine looks from our own place: the workers' programs lie beside ours.
func findEngine(t *terminal) (string, error) {
	self, err := os.Executable()
	if err != nil {
		self = ""
	}
	return enginelib.Find(t.getenv, self)
}
