package shelf

import (
	"context"
	"path/filepath"
	"regexp"

	"rbee/internal/fault"
	"rbee/internal/models"
	"rbee/internal/models/fetch"
)

// Verified is one file of a model, read to its end.
type Verified struct {
	File     string `json:"file"`
	SHA256   string `json:"sha256"`
	Expected string `json:"expected,omitempty"` // "" = nobody knows
	By       string `json:"by,omitempty"`       // who expects it
}

// Says is the finding for people.
func (v Verified) Says() string {
	switch {
	case v.Expected == "":
		return "nothing to compare it with"
	case v.Expected == v.SHA256:
		return "ok, as " + v.By + " has it"
	}
	return "wrong"
}

// Wrong is MODEL_CORRUPT if the digest is another one than somebody expects.
func (v Verified) Wrong() error {
	if v.Expected == "" || v.Expected == v.SHA256 {
		return nil
	}
	return fault.New(fault.ModelCorrupt, "%s has the SHA-256 digest %s, %s expects %s", v.File, v.SHA256, v.By, v.Expected).
		WithHint("delete it with rbee model rm, and get it again").With("path", v.File).With("expected", v.Expected).With("found", v.SHA256)
}

// Planner asks the hub what it has; a fetch.Fetcher is one.
type Planner interface {
	Plan(context.Context, models.Want) (*fetch.Plan, error)
}

// Verify computes the digests of a model's files again and compares them with those of the reference, of the hub (asked
// through hub unless that is nil), or of the cache they are in. found hears of each file, read of the bytes that were
// read, of all files together; both may be nil. A wrong digest is no error of Verify's own: see Verified.Wrong.
func Verify(ctx context.Context, ref string, env models.Env, hub Planner, read func(done, total int64), found func(Verified) error) error {
	m, err := models.Resolve(ctx, ref, env) // compares a digest of the reference
	if err != nil {
		return err
	}
	r, err := models.ParseRef(ref)
	if err != nil {
		return err
	}
	var digests map[string]string
	if hub != nil && r.SHA256 == "" {
		if digests, err = hubDigests(ctx, ref, env, hub); err != nil {
			return err
		}
	}
	var before int64
	for _, file := range m.Files() {
		v := Verified{File: file}
		at := before
		v.SHA256, err = models.Digest(ctx, file, func(n int64) {
			at = before + n
			if read != nil {
				read(at, m.Size)
			}
		})
		if err != nil {
			return err
		}
		before = at
		v.Expected, v.By = expected(file, r, digests)
		if err := found(v); err != nil {
			return err
		}
	}
	return nil
}

// hubDigests are what the hub says of the files of a model, by where they are here; nil if it is not from the hub.
func hubDigests(ctx context.Context, ref string, env models.Env, hub Planner) (map[string]string, error) {
	w, err := models.WantOf(ref, env)
	if err != nil || w == nil {
		return nil, err
	}
	plan, err := hub.Plan(ctx, *w)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, f := range plan.Files {
		all[f.Place] = f.SHA256
	}
	return all, nil
}

var blobName = regexp.MustCompile(`^(?:sha256-)?([0-9a-f]{64})$`)

// expected is the digest a file should have, and who says so. The caches of Hugging Face and Ollama name a file by it.
func expected(file string, r models.Ref, hub map[string]string) (digest, by string) {
	if r.SHA256 != "" {
		return r.SHA256, "the reference"
	}
	if d := hub[file]; d != "" {
		return d, "the hub"
	}
	blob := file
	if real, err := filepath.EvalSymlinks(file); err == nil {
		blob = real
	}
	if name := blobName.FindStringSubmatch(filepath.Base(blob)); name != nil {
		return name[1], "the name of its blob"
	}
	return "", ""
}
