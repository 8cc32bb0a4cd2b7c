package bundle

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
	"rbee/internal/version"
)

// Find returns the bundle for a platform. It looks for one of this very build at, in this order:
//
//  1. $RBEE_BUNDLES: if it is set, nothing else counts;
//  2. bundles/ beside the program's own bin folder: where `make bundles` puts them;
//  3. bundles/ beside the program itself;
//  4. if the platform is this machine's own: this installation's programs and the engine for the device, packed now
//     (0.7 s; 3 s with a GPU's) or by an earlier call (less than 1 ms).
//
// executable is the program's path (os.Executable). The error is a HIVE_START_FAILED that says where it looked, or,
// for this machine's own platform, why its programs cannot be packed.
func Find(getenv func(string) string, executable string, p Platform) (Bundle, error) {
	p = p.plain()
	if real, err := filepath.EvalSymlinks(executable); err == nil {
		executable = real
	}
	dirs, only := folders(getenv, executable)
	var found []string
	for _, dir := range dirs {
		b, err := readManifest(filepath.Join(dir, p.File()+".json"), func(Bundle) string { return p.File() })
		switch {
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, "none in "+dir)
		case err != nil:
			found = append(found, err.Error())
		case b.Platform != p:
			found = append(found, "one for "+b.Platform.String()+" at "+b.Path)
		case b.Build != version.Build():
			found = append(found, "one of build "+b.Build+" in "+dir)
		default:
			return b, nil
		}
	}
	if !only && p.OS == host().OS && p.Arch == host().Arch {
		return own(getenv, executable, p)
	}
	err := fault.New(fault.HiveStartFailed, "there is no bundle for %s of build %s: %s", p, version.Build(), strings.Join(found, ", ")).
		With("os", p.OS).With("arch", p.Arch).With("looked_in", dirs)
	if _, ok := enginelib.TargetWith(p.OS, p.Arch, p.Device); !ok {
		return Bundle{}, err.WithHint("there is no engine for such a machine: use another node")
	}
	what := "make bundles"
	if p.Device != "" {
		what += " BUNDLES=" + p.OS + "/" + p.Arch + "/" + p.Device
	}
	return Bundle{}, err.WithHint("make them with: %s (RBEE_BUNDLES names another folder to look in)", what)
}

// folders lists where to look; only: nothing but there.
func folders(getenv func(string) string, executable string) (dirs []string, only bool) {
	if dir := getenv("RBEE_BUNDLES"); dir != "" {
		return []string{dir}, true
	}
	if executable == "" {
		return nil, false
	}
	bin := filepath.Dir(executable)
	return []string{filepath.Join(bin, "..", "bundles"), filepath.Join(bin, "bundles")}, false
}
