package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"rbee/internal/config"
	"rbee/internal/engine/enginelib"
)

// newEngine is the commands for the inference engine's shared libraries.
func newEngine(t *terminal, env config.Env) *cobra.Command {
	group := &cobra.Command{
		Use:   "engine",
		Short: "Install, list and verify the inference engine's libraries",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return c.Help()
		},
	}
	group.AddCommand(newEngineInstall(t, env), newEngineLs(t), newEnginePath(t), newEngineVerify(t))
	return group
}

func newEngineInstall(t *terminal, env config.Env) *cobra.Command {
	var dir, backend string
	c := &cobra.Command{
		Use:   "install",
		Short: "Fetch llama.cpp's libraries with npm, check them, and put them in place",
		Long: `install fetches the libraries for one backend. Those of several lie side by side, and a hive takes what fits the
device that it chooses.`,
		Example: `  rbee engine install
  rbee engine install --backend vulkan`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			target, err := targetOf(backend)
			if err != nil {
				return err
			}
			if dir == "" {
				dir = enginelib.Destination(t.getenv, target)
			}
			if dir == "" {
				_, err := env.CacheDir()
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			if err := enginelib.Install(ctx, dir, target, t.stderr); err != nil {
				return err
			}
			_, err = fmt.Fprintln(t.stdout, dir)
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "the folder to install into (default: $RBEE_ENGINE_DIR, the cache)")
	c.Flags().StringVar(&backend, "backend", "", "what to compute on: "+strings.Join(backends(), ", ")+" (default: "+backends()[0]+")")
	return c
}

func newEnginePath(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "path",
		Short: "Print the folder that workers on the CPU load the libraries from",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			found, err := findEngine(t)
			if err == nil {
				_, err = fmt.Fprintln(t.stdout, found)
			}
			return err
		},
	}
}

func newEngineVerify(t *terminal) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Compare every library with the digest it was installed with",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			dirs := []string{dir}
			if dir == "" {
				found, err := findEngine(t)
				if err != nil {
					return err
				}
				dirs = []string{found}
				for _, s := range enginelib.Installed(t.getenv, ourProgram()) {
					if s.Dir != found {
						dirs = append(dirs, s.Dir)
					}
				}
			}
			for _, dir := range dirs {
				if err := enginelib.Verify(dir); err != nil {
					return err
				}
				if _, err := fmt.Fprintf(t.stdout, "%s: ok\n", dir); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "the folder to verify (default: all that are installed)")
	return c
}

// findEngine looks from our own place: the workers' programs lie beside ours.
func findEngine(t *terminal) (string, error) { return enginelib.Find(t.getenv, ourProgram()) }

func ourProgram() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	return exe
}
