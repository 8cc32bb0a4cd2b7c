package bundle

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
	"rbee/internal/version"
)

// installation lays out bin/ and lib/rbee/ as a release does, with programs that are small scripts and an engine that
// has the real one's description and links, and next to nothing in its libraries.
func installation(t testing.TB) (executable string, parts Parts) {
	t.Helper()
	top := t.TempDir()
	if err := os.Mkdir(filepath.Join(top, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"queen-rbee", "rbee-hive", "llm-worker-rbee"} {
		write(t, filepath.Join(top, "bin", p), "#!/bin/sh\necho "+p+"\n", 0o755)
	}
	engine := filepath.Join(top, "lib/rbee")
	if err := os.MkdirAll(engine, 0o700); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(realEngine(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch from, to := filepath.Join(realEngine(t), e.Name()), filepath.Join(engine, e.Name()); {
		case e.Type().IsRegular() && strings.HasPrefix(e.Name(), "lib"):
			write(t, to, e.Name(), 0o644)
		default:
			copyTree(t, from, to)
		}
	}
	bin := filepath.Join(top, "bin")
	return filepath.Join(bin, "queen-rbee"), Parts{filepath.Join(bin, "rbee-hive"), filepath.Join(bin, "llm-worker-rbee"), filepath.Join(top, "lib/rbee")}
}

func realEngine(t testing.TB) string {
	t.Helper()
	engine, err := enginelib.Find(os.Getenv, "")
	if err != nil {
		t.Fatalf("%v (set RBEE_ENGINE_DIR to the folder that make engine fills)", err)
	}
	return engine
}

func write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-R", "-P", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

func env(pairs ...string) func(string) string {
	return func(k string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == k {
				return pairs[i+1]
			}
		}
		return ""
	}
}

var linux = Platform{OS: "linux", Arch: "riscv64"} // a kind of node that this machine is not

func TestTheUnpackedFolderIsAnInstallation(t *testing.T) {
	_, parts := installation(t)
	parts.Engine = realEngine(t)
	b, err := Make(t.TempDir(), host(), "b", parts)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("tar", "xzf", b.Path, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	hive := filepath.Join(dir, "bin/rbee-hive")
	if out, err := exec.Command(hive).Output(); err != nil || string(out) != "rbee-hive\n" {
		t.Errorf("the unpacked hive: %q, %v", out, err)
	}
	engine, err := enginelib.Find(env("HOME", "/nonexistent"), hive)
	if err != nil || engine != filepath.Join(dir, "lib/rbee") {
		t.Fatalf("the engine as the unpacked hive finds it: %q, %v", engine, err)
	}
	if err := enginelib.Verify(engine); err != nil {
		t.Error(err)
	}
}

func TestNobodyElseCanReadWhatIsUnpacked(t *testing.T) {
	_, parts := installation(t)
	all, err := members(parts)
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeTar(w, all)) }()
	names := 0
	for tr := tar.NewReader(r); ; names++ {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		want := int64(0o600)
		if h.Typeflag == tar.TypeDir || strings.HasPrefix(h.Name, "bin/") {
			want = 0o700
		}
		if h.Mode != want || h.Uid != 0 || h.Gid != 0 || h.Uname != "" {
			t.Errorf("%s: mode %o, owner %d:%d %q", h.Name, h.Mode, h.Uid, h.Gid, h.Uname)
		}
	}
	if names < 10 {
		t.Errorf("only %d entries", names)
	}
}

func TestTheIDIsTheSHA256OfTheUncompressedTar(t *testing.T) {
	_, parts := installation(t)
	b, err := Make(t.TempDir(), linux, "b", parts)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := exec.Command("gzip", "-dc", b.Path).Output()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(plain)
	if b.ID != hex.EncodeToString(sum[:]) || b.Size != int64(len(plain)) || !strings.HasPrefix(b.ID, b.Folder()) {
		t.Errorf("%+v for %d bytes of SHA-256 %x", b, len(plain), sum)
	}
	if err := b.Verify(); err != nil {
		t.Error(err)
	}
}

func TestTheSameFilesHaveTheSameIDWhereverTheyLie(t *testing.T) {
	_, parts := installation(t)
	a, err := Make(t.TempDir(), linux, "b", parts)
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	copyTree(t, parts.Engine, filepath.Join(other, "engine"))
	for _, p := range []*string{&parts.Hive, &parts.Worker} {
		copyTree(t, *p, filepath.Join(other, "programs", filepath.Base(*p)))
		*p = filepath.Join(other, "programs", filepath.Base(*p))
		if err := os.Chtimes(*p, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	parts.Engine = filepath.Join(other, "engine")
	b, err := Make(t.TempDir(), linux, "b", parts)
	if err != nil || a.ID != b.ID {
		t.Errorf("%s and %s, %v", a.ID, b.ID, err)
	}
	write(t, parts.Worker, "another", 0o755)
	if c, err := Make(t.TempDir(), linux, "b", parts); err != nil || c.ID == b.ID {
		t.Errorf("another worker has the same ID %s, %v", c.ID, err)
	}
}

func TestALinkOutOfTheEngineFolderIsNotPacked(t *testing.T) {
	_, parts := installation(t)
	if err := os.Symlink("../../../etc/passwd", filepath.Join(parts.Engine, "libx.so")); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(t.TempDir(), linux, "b", parts); err == nil || !strings.Contains(err.Error(), "outside its folder") {
		t.Errorf("packed: %v", err)
	}
}

func TestADamagedBundleIsNotOpened(t *testing.T) {
	_, parts := installation(t)
	b, err := Make(t.TempDir(), linux, "b", parts)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(b.Path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 0x40
	write(t, b.Path, string(text), 0o600)
	if err := b.Verify(); fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), b.Path) {
		t.Errorf("one bit changed: %v", err)
	}
	if err := os.Truncate(b.Path, b.Packed/2); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(); fault.CodeOf(err) != fault.HiveStartFailed {
		t.Errorf("half a bundle was opened: %v", err)
	}
}

func TestFindLooksWhereMakeBundlesWrites(t *testing.T) {
	exe, parts := installation(t)
	bin := filepath.Dir(exe)
	for name, c := range map[string]struct {
		dir string
		env []string
	}{
		"beside bin":     {filepath.Join(bin, "..", "bundles"), nil},
		"beside program": {filepath.Join(bin, "bundles"), nil},
		"variable":       {t.TempDir(), []string{"RBEE_BUNDLES"}},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := Make(c.dir, linux, version.Build(), parts)
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(c.dir)
			getenv := env()
			if c.env != nil {
				getenv = env(c.env[0], c.dir)
			}
			found, err := Find(getenv, exe, linux)
			if err != nil || found != made {
				t.Errorf("found %+v, %v; made %+v", found, err, made)
			}
		})
	}
}

func TestWithoutABundleTheErrorSaysWhatAndWhere(t *testing.T) {
	exe, _ := installation(t)
	other := Platform{OS: "linux", Arch: "arm64"}
	if host() == other {
		other.Arch = "amd64"
	}
	for p, hint := range map[Platform]string{other: "make bundles", linux: "another node"} {
		_, err := Find(env("HOME", t.TempDir()), exe, p)
		f := fault.From(err)
		if f.Code != fault.HiveStartFailed || !strings.Contains(f.Message, p.String()) || !strings.Contains(f.Hint, hint) {
			t.Errorf("%v: %s; %s", f.Code, f.Message, f.Hint)
		}
		if !strings.Contains(f.Message, filepath.Join(filepath.Dir(exe), "..", "bundles")) {
			t.Errorf("%q does not say where it looked", f.Message)
		}
	}
}

func TestABundleOfAnotherBuildIsNotSent(t *testing.T) {
	exe, parts := installation(t)
	dir := t.TempDir()
	if _, err := Make(dir, linux, "0.0.9+old", parts); err != nil {
		t.Fatal(err)
	}
	_, err := Find(env("RBEE_BUNDLES", dir), exe, linux)
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "0.0.9+old") || !strings.Contains(err.Error(), version.Build()) {
		t.Errorf("an old bundle: %v", err)
	}
}

func TestAManifestThatLiesIsNotBelieved(t *testing.T) {
	exe, parts := installation(t)
	dir := t.TempDir()
	b, err := Make(dir, linux, version.Build(), parts)
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(dir, linux.File()+".json")
	good, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no JSON":         "{",
		"a short ID":      strings.Replace(string(good), b.ID, b.ID[:20], 1),
		"another size":    strings.Replace(string(good), `"packed": `, `"packed": 1`, 1),
		"another machine": strings.Replace(string(good), "riscv64", "s390x", 1),
	} {
		write(t, manifest, text, 0o600)
		if _, err := Find(env("RBEE_BUNDLES", dir), exe, linux); fault.CodeOf(err) != fault.HiveStartFailed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThisMachinesKindNeedsNoBundleMadeBefore(t *testing.T) {
	exe, parts := installation(t)
	cache := t.TempDir()
	getenv := env("XDG_CACHE_HOME", cache)
	first, err := Find(getenv, exe, Platform{host().OS, host().Arch, "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Verify(); err != nil {
		t.Error(err)
	}
	packed, err := os.Stat(first.Path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Find(getenv, exe, host())
	if err != nil || second != first {
		t.Fatalf("%+v, then %+v, %v", first, second, err)
	}
	if again, err := os.Stat(second.Path); err != nil || !os.SameFile(packed, again) {
		t.Errorf("the second call packed again: %v", err)
	}

	write(t, parts.Worker, "rebuilt", 0o755)
	if third, err := Find(getenv, exe, host()); err != nil || third.ID == first.ID {
		t.Errorf("a rebuilt worker was not noticed: %v, %v", third, err)
	}
	if err := os.Truncate(first.Path, 10); err != nil {
		t.Fatal(err)
	}
	write(t, parts.Worker, "#!/bin/sh\necho llm-worker-rbee\n", 0o755)
	if fourth, err := Find(getenv, exe, host()); err != nil || fourth.ID != first.ID || fourth.Verify() != nil {
		t.Errorf("half a file in the cache was not replaced: %v, %v", fourth, err)
	}
}

// A node whose configuration names a GPU gets the engine for it, if this machine has that.
func TestTheBundleForADeviceCarriesItsEngine(t *testing.T) {
	gpus := enginelib.HostTargets()[1:]
	if len(gpus) == 0 {
		return // this platform has one build only
	}
	exe, parts := installation(t)
	cache, device := t.TempDir(), gpus[0].Backend()
	getenv := env("XDG_CACHE_HOME", cache)
	p := host()
	p.Device = device
	_, err := Find(getenv, exe, p)
	if f := fault.From(err); f.Code != fault.BackendUnavailable || !strings.Contains(f.Hint, "rbee engine install --backend "+device) {
		t.Errorf("not installed: %v; %s", err, f.Hint)
	}
	set := enginelib.Destination(getenv, gpus[0])
	if err := os.CopyFS(set, os.DirFS(parts.Engine)); err != nil {
		t.Fatal(err)
	}
	metadata := filepath.Join(set, "_nlcBuildMetadata.json")
	text, err := os.ReadFile(metadata)
	if err != nil {
		t.Fatal(err)
	}
	write(t, metadata, strings.Replace(string(text), `"gpu":false`, `"gpu":"`+device+`"`, 1), 0o644)
	write(t, filepath.Join(set, "libggml-"+device+".so"), "library", 0o644)
	b, err := Find(getenv, exe, p)
	if err != nil || b.Platform != p {
		t.Fatalf("%+v, %v", b, err)
	}
	list, err := exec.Command("tar", "tzf", b.Path).Output()
	if err != nil || !strings.Contains(string(list), "lib/rbee/libggml-"+device+".so\n") {
		t.Errorf("%v: %s", err, list)
	}
	if plain, err := Find(getenv, exe, host()); err != nil || plain.ID == b.ID {
		t.Errorf("the plain one is %+v, %v", plain, err)
	}
}

func TestTheCacheOfPackedBundlesStaysSmall(t *testing.T) {
	exe, parts := installation(t)
	cache := t.TempDir()
	node := filepath.Join(cache, "rbee/bundles", strings.Repeat("ab", 16)) // unpacked there by a queen elsewhere
	if err := os.MkdirAll(node, 0o700); err != nil {
		t.Fatal(err)
	}
	var last Bundle
	for i := range keep + 2 {
		write(t, parts.Worker, strings.Repeat("x", i), 0o755)
		var err error
		if last, err = Find(env("XDG_CACHE_HOME", cache), exe, host()); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(filepath.Join(cache, "rbee/bundles"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if len(names) != 2*keep+1 || !slices.Contains(names, filepath.Base(node)) || !slices.Contains(names, filepath.Base(last.Path)) {
		t.Errorf("left in the cache: %v", names)
	}
}

func TestWithoutAnEngineTheErrorSaysSo(t *testing.T) {
	exe, parts := installation(t)
	if err := os.RemoveAll(parts.Engine); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(env("HOME", t.TempDir()), exe, host()); fault.CodeOf(err) != fault.EngineUnavailable {
		t.Errorf("no engine: %v", err)
	}
	if err := os.Remove(parts.Hive); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(env("HOME", t.TempDir(), "RBEE_ENGINE_DIR", os.Getenv("RBEE_ENGINE_DIR")), exe, host()); fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "rbee-hive") {
		t.Errorf("no hive: %v", err)
	}
}

// BenchmarkFindAgain is what every visit after the first pays: it must stay below 1 ms.
func BenchmarkFindAgain(b *testing.B) {
	exe, _ := installation(b)
	getenv := env("XDG_CACHE_HOME", b.TempDir())
	if _, err := Find(getenv, exe, host()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Find(getenv, exe, host()); err != nil {
			b.Fatal(err)
		}
	}
}
