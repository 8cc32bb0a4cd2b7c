// Makebundle packs the bundle for one platform, as `make bundles` does:
//
//	makebundle -programs dist/linux-arm64 -engines dist/engine -out bundles linux/arm64
//	makebundle -programs dist/linux-amd64 -engines dist/engine -out bundles -backend vulkan linux/amd64
//
// The second carries the engine for a GPU instead of the plain one; it computes on the CPU as well.
//
// The programs must have been built with the same version and commit as makebundle itself: the bundle is marked with
// them, and a queen sends no bundle of another build. The engine's libraries are fetched and checked where missing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"rbee/deploy/bundle"
	"rbee/internal/engine/enginelib"
	"rbee/internal/version"
)

func main() {
	programs := flag.String("programs", "", "the folder of rbee-hive and llm-worker-rbee")
	engines := flag.String("engines", "", "the folder to keep engine libraries in, one folder for each target")
	out := flag.String("out", "bundles", "the folder to write to")
	backend := flag.String("backend", "", "what the engine computes on: cuda, vulkan (default: the platform's plain one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, *programs, *engines, *out, *backend, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "makebundle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, programs, engines, out, backend, platform string) error {
	goos, goarch, _ := strings.Cut(platform, "/")
	t, ok := enginelib.TargetWith(goos, goarch, backend)
	if !ok {
		return fmt.Errorf("there is no engine for the platform %q and the backend %q", platform, backend)
	}
	engine := filepath.Join(engines, t.Name)
	if err := enginelib.Install(ctx, engine, t, os.Stderr); err != nil {
		return err
	}
	b, err := bundle.Make(out, bundle.Platform{OS: goos, Arch: goarch, Device: backend}, version.Build(), bundle.Parts{
		Hive:   filepath.Join(programs, "rbee-hive"),
		Worker: filepath.Join(programs, "llm-worker-rbee"),
		Engine: engine,
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s  %s  %.1f MB, unpacked %.1f MB\n", b.Folder(), b.Path, float64(b.Packed)/1e6, float64(b.Size)/1e6)
	return nil
}
