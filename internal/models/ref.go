package models

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"rbee/internal/fault"
	"rbee/internal/gguf"
)

// Kind says which form a reference has.
type Kind int

const (
	Name   Kind = iota // demo, a short name, or a folder or file in the model directory
	Hub                // hf:org/repo[:QUANT|/file.gguf]
	Ollama             // ollama:name[:tag]: what Ollama has on this machine
	Path               // a path, absolute or relative to the caller's working directory
)

// Ref is a parsed reference.
type Ref struct {
	Kind   Kind
	Text   string // as the user wrote it
	Name   string // Name: as written; lower-cased only to compare. Ollama: what comes after ollama:
	Org    string // Hub
	Repo   string // Hub
	Quant  string // Hub: "" if not given
	File   string // Hub: path inside the repository, "" if not given
	Path   string // Path: as written, or what the file URL says
	SHA256 string // lower-case hex; "" if not given
}

const (
	maxRef  = 4096 // bytes: the longest path Linux takes
	maxName = 255  // bytes: the longest file name
)

// forms is shown whenever a reference has none of them.
const forms = "accepted: demo, a short name (tinyllama) or a folder of the model directory, " +
	"hf:org/repo, hf:org/repo:Q4_K_M, hf:org/repo/file.gguf, ollama:name:tag, file:///absolute/path.gguf, a path; " +
	"each may end in @sha256:<64 hex digits>"

func invalid(ref, why string) *fault.Error {
	return fault.New(fault.ModelRefInvalid, "%q is not a model reference: %s", clip(ref), why).WithHint("%s", forms)
}

// unknownScheme is the error for words with a colon that none of ours stands before. Ollama's names look so.
func unknownScheme(text string) *fault.Error {
	e := invalid(text, "it begins with an unknown scheme")
	if as := "ollama:" + text; len(as) <= maxRef {
		if _, err := ParseRef(as); err == nil {
			return e.WithHint("if Ollama has it on that machine it is %s here; %s", clip(as), forms)
		}
	}
	return e
}

// clip shortens a reference for a message.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}

const digestSuffix = "@sha256:"

var hexDigest = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// ParseRef takes a reference apart without looking at any file. Errors are MODEL_REF_INVALID.
func ParseRef(text string) (Ref, error) {
	r := Ref{Text: text}
	s := text
	switch {
	case len(s) > maxRef:
		return r, invalid(s, "longer than 4096 bytes")
	case !utf8.ValidString(s):
		return r, invalid(s, "not UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		return r, invalid(s, "it holds a control character")
	}
	if i := strings.LastIndex(s, digestSuffix); i >= 0 {
		digest := s[i+len(digestSuffix):]
		if !hexDigest.MatchString(digest) {
			return r, invalid(text, "after @sha256: must come 64 hex digits")
		}
		s, r.SHA256 = s[:i], strings.ToLower(digest)
	}
	if strings.TrimSpace(s) == "" {
		return r, invalid(text, "it is empty")
	}
	switch {
	case strings.HasPrefix(s, "hf:"):
		return r.hub(s[len("hf:"):])
	case strings.HasPrefix(s, "ollama:"):
		return r.ollama(s[len("ollama:"):])
	case strings.HasPrefix(s, "file:"):
		return r.fileURL(s)
	}
	slash, colon := strings.IndexByte(s, '/'), strings.IndexByte(s, ':')
	switch {
	case colon >= 0 && (slash < 0 || colon < slash):
		return r, unknownScheme(text)
	case slash >= 0 || s == "." || s == ".." || s == "~":
		r.Kind, r.Path = Path, s
	case len(s) > maxName:
		return r, invalid(text, "a name has at most 255 bytes")
	case strings.ContainsRune(s, '\\'):
		return r, invalid(text, "a name has no backslash")
	default:
		r.Kind, r.Name = Name, s
	}
	return r, nil
}

// The hub's own rule for names; it forbids "--" and "..", which is what makes FolderName reversible.
var hubName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,95}$`)

func isHubName(s string) bool {
	return hubName.MatchString(s) && !strings.Contains(s, "--") && !strings.Contains(s, "..")
}

var quantName = regexp.MustCompile(`^[A-Za-z0-9_]{1,32}$`)

func (r Ref) hub(s string) (Ref, error) {
	r.Kind = Hub
	org, rest, ok := strings.Cut(s, "/")
	if !ok || !isHubName(org) {
		return r, invalid(r.Text, "after hf: must come org/repo")
	}
	r.Org = org
	r.Repo, r.File, ok = strings.Cut(rest, "/")
	if ok {
		// path.Clean and no leading dot: no "..", no absolute path, nothing hidden.
		if !gguf.IsModelFile(r.File) || path.Clean("/" + r.File)[1:] != r.File || strings.Contains("/"+r.File, "/.") ||
			strings.ContainsRune(r.File, '\\') {
			return r, invalid(r.Text, "after hf:org/repo/ must come the name of a .gguf file")
		}
	} else if r.Repo, r.Quant, ok = strings.Cut(r.Repo, ":"); ok && !quantName.MatchString(r.Quant) {
		return r, invalid(r.Text, "after hf:org/repo: must come a quantisation such as Q4_K_M")
	}
	if !isHubName(r.Repo) {
		return r, invalid(r.Text, "after hf: must come org/repo")
	}
	return r, nil
}

func (r Ref) fileURL(s string) (Ref, error) {
	s, ok := strings.CutPrefix(s, "file://")
	s = strings.TrimPrefix(s, "localhost")
	if !ok || !strings.HasPrefix(s, "/") {
		return r, invalid(r.Text, "a file URL is file:// and an absolute path")
	}
	p, err := url.PathUnescape(s)
	if err != nil || strings.ContainsFunc(p, unicode.IsControl) || !utf8.ValidString(p) {
		return r, invalid(r.Text, "its percent signs do not decode to a path")
	}
	r.Kind, r.Path = Path, p
	return r, nil
}
