package models

import "rbee/internal/gguf"

// Model is a model on this machine's disk.
type Model struct {
	Ref    string   // as the user wrote it
	Name   string   // for people: the folder's name, or the file's without its end
	Path   string   // absolute; of a split model the first file. This is what an engine loads
	Parts  []string // all files of a split model, in order; nil if it is one file
	Size   int64    // bytes, all parts
	Source string   // where it was found: "built in", "path", or "model directory (why it is that one)"

	// Header is what the file says (of a split model: the first one's, with the tensors of all). It is shared:
	// do not change it. Nil only in a List entry whose Broken says why.
	Header *gguf.Header
	Broken error
}

// files returns all files of the model.
func (m *Model) files() []string {
	if m.Parts != nil {
		return m.Parts
	}
	return []string{m.Path}
}
