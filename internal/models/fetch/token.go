package fetch

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// Token returns the user's token for the hub, "" if there is none: HF_TOKEN, else the file that the hub's own
// programs keep it in. A file that cannot be read or does not hold a token counts as none: most models need none,
// and where one is needed the refusal says so.
func Token(getenv func(string) string) string {
	if t := clean(getenv("HF_TOKEN")); t != "" {
		return t
	}
	var path string
	switch {
	case getenv("HF_TOKEN_PATH") != "":
		path = getenv("HF_TOKEN_PATH")
	case getenv("HF_HOME") != "":
		path = filepath.Join(getenv("HF_HOME"), "token")
	case getenv("XDG_CACHE_HOME") != "":
		path = filepath.Join(getenv("XDG_CACHE_HOME"), "huggingface", "token")
	case getenv("HOME") != "":
		path = filepath.Join(getenv("HOME"), ".cache", "huggingface", "token")
	default:
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return ""
	}
	return clean(string(b))
}

const maxToken = 4096 // bytes; the hub's have about 40

// clean returns a token as it can stand in a header, "" if it cannot.
func clean(t string) string {
	t = strings.TrimSpace(t)
	if len(t) > maxToken || strings.ContainsFunc(t, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) }) {
		return ""
	}
	return t
}
