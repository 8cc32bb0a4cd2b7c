package fetch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/gguf"
	"rbee/internal/models"
)

// choice is a model in a repository: one file, or all parts of a split one.
type choice struct {
	base  string // of its name on disk, without its end and its part
	files []file // in order
	count int    // files it should have
}

func (c choice) size() (n int64) {
	for _, f := range c.files {
		n += f.size
	}
	return n
}

func (c choice) String() string { return fmt.Sprintf("%s (%s)", c.files[0].path, amount(c.size())) }

// choices puts the files of a repository together to models. Projectors are none.
func choices(files []file) ([]choice, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f file) bool { return models.IsProjector(f.name()) })
	names := map[string]string{}
	for _, f := range files {
		// On disk only one of them could be; the other would be taken for it.
		name := strings.ToLower(f.name())
		if other, ok := names[name]; ok {
			return nil, unbelievable(fmt.Errorf("two files that are one on disk, %s and %s", other, f.path))
		}
		names[name] = f.path
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name(), b.name()) }) // parts are in order
	var all []choice
	for _, g := range gguf.GroupFiles(files, file.name) {
		all = append(all, choice{g.Base, g.Files, g.Count})
	}
	return all, nil
}

// choose picks the model that is wanted, or refuses; it never takes what only resembles it.
func (d *hub) choose(files []file) (choice, error) {
	all, err := choices(files)
	if err != nil {
		return choice{}, err
	}
	fit := d.fitting(all)
	switch {
	case len(fit) == 0:
		return choice{}, d.noFile(all)
	case len(fit) > 1:
		return choice{}, fault.New(fault.ModelAmbiguous, "%.200s fits %d models of %s: %s", d.want.Ref.Text, len(fit), d.repo(), list(fit)).
			WithHint("name one, such as hf:%s/%s", d.repo(), fit[0].files[0].path).
			With("candidates", texts(fit))
	case len(fit[0].files) != fit[0].count:
		return choice{}, fault.New(fault.ModelNotFound, "%s has only %d of the %d parts of %s", d.repo(), len(fit[0].files), fit[0].count, fit[0].base).
			WithHint("name another file of %s", d.at("", d.repo()))
	}
	return fit[0], d.expected(fit[0])
}

func (d *hub) fitting(all []choice) []choice {
	switch w := d.want; {
	case w.File != "":
		return filter(all, func(c choice) bool { return c.holds(w.File) })
	case w.Quant != "":
		return filter(all, func(c choice) bool { return models.HasQuant(c.base, w.Quant) })
	}
	if fit := filter(all, func(c choice) bool { return models.HasQuant(c.base, models.Preferred) }); len(fit) > 0 {
		return fit
	}
	return all
}

func (c choice) holds(path string) bool {
	for _, f := range c.files {
		if f.path == path {
			return true
		}
	}
	return false
}

// expected compares the digest in the reference with the hub's, before a byte is downloaded.
func (d *hub) expected(c choice) error {
	want := d.want.Ref.SHA256
	switch {
	case want == "":
		return nil
	case len(c.files) > 1:
		return fault.New(fault.ModelRefInvalid, "a digest names one file, and %s has %d", c.base, len(c.files)).WithHint("leave @sha256: away")
	case want != c.files[0].sha256:
		return corrupt(c.files[0].path+" of "+d.repo(), want, c.files[0].sha256).
			WithHint("nothing was downloaded: the file on the hub is another one than the reference names")
	}
	return nil
}

func corrupt(what, expected, found string) *fault.Error {
	return fault.New(fault.ModelCorrupt, "%s has the SHA-256 digest %s, expected was %s", what, found, expected).
		With("expected", expected).With("found", found)
}

// noFile says what the repository has instead.
func (d *hub) noFile(all []choice) error {
	what := "model"
	switch w := d.want; {
	case w.File != "":
		what = "file " + w.File
	case w.Quant != "":
		what = "model of the quantisation " + w.Quant
	}
	if len(all) == 0 {
		return fault.New(fault.ModelNotFound, "%s has no GGUF model", d.repo()).
			WithHint("look for a repository of the same model that ends in -GGUF").With("repository", d.repo())
	}
	return fault.New(fault.ModelNotFound, "%s has no %s; there is: %s", d.repo(), what, list(all)).
		WithHint("name one of these, such as hf:%s/%s", d.repo(), all[0].files[0].path).
		With("repository", d.repo()).With("candidates", texts(all))
}

func filter(all []choice, fits func(choice) bool) (fit []choice) {
	for _, c := range all {
		if fits(c) {
			fit = append(fit, c)
		}
	}
	return fit
}

func texts(all []choice) (s []string) {
	for _, c := range all {
		s = append(s, c.String())
	}
	return s
}

// list joins choices for a message: the first twenty, then a count.
func list(all []choice) string {
	const most = 20
	if n := len(all) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts(all[:most]), ", "), n)
	}
	return strings.Join(texts(all), ", ")
}
