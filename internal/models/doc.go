// Package models turns what a user calls a model into a file that is safe to load.
//
// The catalogue is the file system: a model directory with one folder per model, <dir>/<name>/<file>.gguf, or a
// file right in it. There is no database; what is there is what ls shows.
//
// A reference is parsed once (ParseRef), resolved once (Resolve), and the result is printed: nothing is ever
// silently replaced by something similar. A name that fits several files is MODEL_AMBIGUOUS and lists them; one
// that fits none is MODEL_NOT_FOUND and lists what there is; whatever is found has its header checked (package
// gguf) before anybody loads it.
//
// A name never leads out of the model directory, not even through a symbolic link. A path is the user's own word
// and leads wherever it says.
package models
