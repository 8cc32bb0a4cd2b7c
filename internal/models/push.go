package models

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"rbee/internal/fault"
	"rbee/internal/gguf"
	"rbee/internal/models/demo"
)

// PushName is what a model is called on a node that gets it from this machine, if ref means nothing there: a path of
// this machine, or what another program keeps here. It is the file's name, or the folder's. ok is false for a reference
// that names the same model everywhere. Nothing is looked at but the words; a relative path is taken from cwd.
func PushName(ref, cwd string) (name string, ok bool) {
	r, err := ParseRef(ref)
	if err != nil {
		return "", false
	}
	switch {
	case r.Kind == Path:
		name = r.Path
		if !filepath.IsAbs(name) {
			name = filepath.Join(cwd, name)
		}
		name = filepath.Base(name)
	case r.Kind == Ollama, r.Kind == Name && gguf.IsModelFile(r.Name):
		name = r.Name
	default:
		return "", false
	}
	if base, _, _, split := gguf.ParseSplit(name); split {
		name = base
	}
	if gguf.IsModelFile(name) {
		name = name[:len(name)-len(".gguf")]
	}
	if name = harmless(name); strings.EqualFold(name, demo.Name) {
		name += "-copy" // the built-in model has that name on every node
	}
	if r.SHA256 != "" {
		name += digestSuffix + r.SHA256
	}
	return name, true
}

// harmless makes a name of this machine's that of a folder or file which every node can have.
func harmless(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' || r == '@' || !unicode.IsPrint(r) {
			return '-'
		}
		return r
	}, strings.ToValidUTF8(name, "-"))
	name = strings.TrimLeft(name, ".~ ")
	for len(name) > maxPushName {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	if name == "" {
		return "model"
	}
	return name
}

// maxPushName leaves room for what a digest, a part's number or a partial file adds to 255 bytes.
const maxPushName = 160

// Placed says where the files of m, which ref named on this machine, belong in another machine's model directory: the
// folder, and each file's name. The functions are those that name a download, so that the other machine finds the model
// by ref, or by its PushName, as if it had been downloaded there.
func Placed(ref, cwd string, m *Model) (folder string, files []string, err error) {
	r, err := ParseRef(ref)
	if err != nil {
		return "", nil, err
	}
	name, renamed := PushName(ref, cwd)
	if renamed {
		if r, err = ParseRef(name); err != nil {
			return "", nil, err
		}
	}
	folder = FolderName(r)
	if folder == "" || !filepath.IsLocal(folder) {
		return "", nil, fault.New(fault.ModelRefInvalid, "%s cannot be pushed: it has no name that another machine could know it by", clip(ref)).
			WithHint("give the path of its file")
	}
	for _, path := range m.files() {
		file := filepath.Base(path)
		switch in, inHub := repoPath(path); {
		case r.Kind == Hub && r.File != "" && len(m.files()) == 1:
			file = FileName(r.File)
		case inHub:
			file = FileName(in)
		case !gguf.IsModelFile(file): // a blob, known by its digest
			file = folder + ".gguf"
		}
		files = append(files, harmless(file[:len(file)-len(".gguf")])+".gguf")
	}
	return folder, files, nil
}

// repoPath is the path in its repository of a file in a Hugging Face cache: .../snapshots/<commit>/path.
func repoPath(path string) (in string, ok bool) {
	_, rest, ok := strings.Cut(filepath.ToSlash(path), "/snapshots/")
	if !ok {
		return "", false
	}
	_, in, ok = strings.Cut(rest, "/")
	return in, ok && gguf.IsModelFile(in)
}
