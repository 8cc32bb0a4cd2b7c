package enginelib

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rbee/internal/fault"
)

// entry is one thing in a made package.
type entry struct {
	name, text string
	kind       byte // 0 = a file
	link       string
}

// pack makes an npm package.
func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.text)), Mode: 0o644, Typeflag: tar.TypeReg, Linkname: e.link}
		if e.kind != 0 {
			h.Typeflag, h.Size = e.kind, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.kind == 0 {
			if _, err := w.Write([]byte(e.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// goodPackage has what the real ones have.
func goodPackage(t testing.TB, target Target, more ...entry) []byte {
	bins, ext := "package/bins/"+target.Name+"/", filepath.Ext(target.libraryNames()[0])
	return pack(t, append([]entry{
		{name: "package/LICENSE", text: "MIT"},
		{name: "package/package.json", text: "{}"},
		{name: "package/dist/index.js", text: "evil()"},
		{name: bins + metadataFile, text: metadata(Release, target)},
		{name: bins + "libggml-base" + ext, text: "base"},
		{name: bins + "libggml-cpu-x64.so", text: "cpu"},
		{name: bins + "libggml." + Release + ext, text: "ggml"},
		{name: bins + "libllama." + Release + ext, text: "llama"},
		{name: bins + "libllama-common" + ext, text: "tools"},
		{name: bins + "llama-addon.node", text: "node"},
	}, more...)...)
}

// fakeNPM puts an npm into PATH that hands out a package, and returns the target that pins it.
func fakeNPM(t testing.TB, archive []byte, script string) Target {
	t.Helper()
	bin := t.TempDir()
	file := filepath.Join(bin, "package.tgz")
	write(t, file, string(archive))
	if script == "" {
		script = `[ "$1" = pack ] && [ "$3" = --pack-destination ] && cp "` + file + `" "$4/pkg.tgz"`
	}
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+"/usr/bin:/bin")
	sum := sha512.Sum512(archive)
	target := host(t)
	target.Integrity = "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	return target
}

// names lists a folder.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestInstallTakesWhatIsNeededAndLinksIt(t *testing.T) {
	target := fakeNPM(t, goodPackage(t, host(t)), "")
	parent := t.TempDir()
	dir := filepath.Join(parent, "deep", "engine")
	var progress bytes.Buffer
	if err := install(context.Background(), dir, target, &progress); err != nil {
		t.Fatal(err)
	}
	ext := filepath.Ext(target.libraryNames()[0])
	want := []string{"LICENSE", "SHA256SUMS", "_nlcBuildMetadata.json", "libggml-base" + ext, "libggml-cpu-x64.so", "libggml" + ext,
		"libggml." + Release + ext, "libllama" + ext, "libllama." + Release + ext}
	got := names(t, dir)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("installed %v, want %v", got, want)
	}
	if to, err := os.Readlink(filepath.Join(dir, "libllama"+ext)); err != nil || to != "libllama."+Release+ext {
		t.Errorf("libllama is a link to %q (%v): a copy would be a second library", to, err)
	}
	if found, err := Find(env("RBEE_ENGINE_DIR", dir), ""); err != nil || found != dir {
		t.Errorf("find after install: %s, %v", found, err)
	}
	if left := names(t, filepath.Join(parent, "deep")); len(left) != 1 {
		t.Errorf("left beside the engine: %v", left)
	}
	if !strings.Contains(progress.String(), target.Package()) || !strings.Contains(progress.String(), dir) {
		t.Errorf("progress: %q", progress.String())
	}
}

func TestInstallAgainFetchesNothing(t *testing.T) {
	target := fakeNPM(t, goodPackage(t, host(t)), "")
	dir := filepath.Join(t.TempDir(), "engine")
	if err := install(context.Background(), dir, target, nil); err != nil {
		t.Fatal(err)
	}
	fakeNPM(t, nil, "exit 1")
	if err := install(context.Background(), dir, target, nil); err != nil {
		t.Errorf("the second install: %v", err)
	}
}

func TestInstallRepairsADamagedAndReplacesAnOldEngine(t *testing.T) {
	target := fakeNPM(t, goodPackage(t, host(t)), "")
	dir := filepath.Join(t.TempDir(), "engine")
	makeEngine(t, dir, "v0.1.0", target)
	if err := install(context.Background(), dir, target, nil); err != nil {
		t.Fatalf("over an old engine: %v", err)
	}
	write(t, filepath.Join(dir, "libggml-cpu-x64.so"), "cpX")
	if err := verify(dir, target); fault.CodeOf(err) != fault.EngineUnavailable || !strings.Contains(err.Error(), "libggml-cpu-x64.so damaged") {
		t.Errorf("verify of a damaged library: %v", err)
	}
	if err := install(context.Background(), dir, target, nil); err != nil {
		t.Fatalf("over a damaged engine: %v", err)
	}
	if err := verify(dir, target); err != nil {
		t.Errorf("after the repair: %v", err)
	}
}

func TestInstallRefusesAFolderThatHoldsOtherThings(t *testing.T) {
	target := fakeNPM(t, goodPackage(t, host(t)), "")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "thesis.txt"), "years of work")
	err := install(context.Background(), dir, target, nil)
	if fault.CodeOf(err) != fault.EngineUnavailable || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"thesis.txt"}) {
		t.Errorf("the folder now holds %v", got)
	}
}

func TestInstallRefusesAPackageOfAnotherDigest(t *testing.T) {
	target := fakeNPM(t, goodPackage(t, host(t)), "")
	target.Integrity = "sha512-somethingelse"
	parent := t.TempDir()
	err := install(context.Background(), filepath.Join(parent, "engine"), target, nil)
	if fault.CodeOf(err) != fault.EngineUnavailable || !strings.Contains(err.Error(), "digest") {
		t.Errorf("%v", err)
	}
	if left := names(t, parent); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestInstallForAnotherPlatformTakesThatPlatformsLibraries(t *testing.T) {
	mac, ok := TargetFor("darwin", "arm64")
	if !ok {
		t.Fatal("no engine for a Mac")
	}
	mac.Integrity = fakeNPM(t, goodPackage(t, mac), "").Integrity
	dir := filepath.Join(t.TempDir(), "engine")
	if err := Install(t.Context(), dir, mac, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "libllama.dylib")); err != nil {
		t.Error(err)
	}
	if err := Install(t.Context(), dir, host(t), nil); err == nil && host(t).Name != mac.Name {
		t.Error("a Mac's libraries pass for this machine's")
	}
	mac.Integrity = ""
	if err := Install(t.Context(), dir, mac, nil); fault.CodeOf(err) != fault.EngineUnavailable || !strings.Contains(err.Error(), "not pinned") {
		t.Errorf("a package that is not pinned: %v", err)
	}
}

func TestInstallWithoutNPMIsOneClearLine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := install(context.Background(), filepath.Join(t.TempDir(), "engine"), host(t), nil)
	e := fault.From(err)
	if e.Code != fault.EngineUnavailable || !strings.Contains(e.Message, "npm") || strings.Contains(e.Message, "\n") || !strings.Contains(e.Hint, "apt install npm") {
		t.Errorf("%v, hint %q", err, e.Hint)
	}
}

func TestInstallSaysWhatNPMSaid(t *testing.T) {
	target := fakeNPM(t, nil, `printf 'npm notice\nnpm error \033[31mE404 no such package\n' >&2; exit 1`)
	err := install(context.Background(), filepath.Join(t.TempDir(), "engine"), target, nil)
	if fault.CodeOf(err) != fault.EngineUnavailable || !strings.Contains(err.Error(), "E404 no such package") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%q", err)
	}
}

func TestInstallEndsWithItsContext(t *testing.T) {
	started := filepath.Join(t.TempDir(), "started")
	target := fakeNPM(t, nil, "touch '"+started+"'; exec sleep 600")
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- install(ctx, filepath.Join(parent, "engine"), target, nil) }()
	for !exists(started) {
		select {
		case err := <-done:
			t.Fatalf("ended by itself: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left := names(t, parent); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestEightInstallsAtOnceDoNotHurtEachOther(t *testing.T) {
	target := fakeNPM(t, goodPackage(t, host(t)), "")
	parent := t.TempDir()
	dir := filepath.Join(parent, "engine")
	makeEngine(t, dir, "v0.1.0", target) // an old one, for all to replace
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := install(context.Background(), dir, target, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := verify(dir, target); err != nil {
		t.Error(err)
	}
	if left := names(t, parent); len(left) != 1 {
		t.Errorf("left beside the engine: %v", left)
	}
}

func TestUnpackFollowsNoPathOfTheArchive(t *testing.T) {
	target := host(t)
	bins := "package/bins/" + target.Name + "/"
	archive := goodPackage(t, target,
		entry{name: bins + "../../../../libllama-evil.so", text: "up"},
		entry{name: "../libggml-up.so", text: "up"},
		entry{name: "/libggml-root.so", text: "root"},
		entry{name: bins + "deeper/libggml-deep.so", text: "deep"},
		entry{name: bins + "libggml-link.so", kind: tar.TypeSymlink, link: "/etc/passwd"},
		entry{name: bins + "libggml-hard.so", kind: tar.TypeLink, link: "/etc/passwd"},
		entry{name: bins + "libggml-pipe.so", kind: tar.TypeFifo},
		entry{name: bins + "libggml-x.so; rm -rf .so", text: "shell"},
		entry{name: "package/bins/other-target/libggml-other.so", text: "other"},
	)
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "b")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := unpack(bytes.NewReader(archive), dir, target)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 6 || len(names(t, dir)) != 6 || len(names(t, parent)) != 1 {
		t.Errorf("unpacked %v; folder %v, beside it %v", files, names(t, dir), names(t, parent))
	}
}

func TestUnpackRefusesTheSameNameTwiceAndTooManyEntries(t *testing.T) {
	target := host(t)
	twice := goodPackage(t, target, entry{name: "package/LICENSE", text: "other"})
	if _, err := unpack(bytes.NewReader(twice), t.TempDir(), target); err == nil {
		t.Error("the same name twice")
	}
	var many []entry
	for i := range maxEntries {
		many = append(many, entry{name: fmt.Sprintf("package/%d", i)})
	}
	if _, err := unpack(bytes.NewReader(goodPackage(t, target, many...)), t.TempDir(), target); err == nil {
		t.Error("more entries than allowed")
	}
}

func FuzzUnpack(f *testing.F) {
	target := targets[0]
	f.Add(goodPackage(f, target))
	f.Add(pack(f, entry{name: "package/LICENSE", kind: tar.TypeSymlink, link: "/"}))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		files, err := unpack(bytes.NewReader(archive), dir, target)
		if len(names(t, parent)) != 1 {
			t.Fatalf("something was written beside the folder: %v", names(t, parent))
		}
		if err == nil && len(files) != len(names(t, dir)) {
			t.Fatalf("%d files said, %d there", len(files), len(names(t, dir)))
		}
	})
}
