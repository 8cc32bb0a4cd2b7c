package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"rbee/internal/fault"
)

// What a file may hold. More keys are not this file's business: each request is compared with all of them.
const (
	maxKeys   = 1000
	maxModels = 256
	maxText   = 4096
)

// format is the file as it is written.
type format struct {
	Version int   `json:"version"` // 1
	Keys    []Key `json:"keys"`
}

// Parse reads the text of a key file; path is only for its errors. A text of nothing holds no keys.
func Parse(path string, text []byte) (Set, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return Set{}, nil
	}
	wrong := func(format string, args ...any) (Set, error) {
		return Set{}, fault.New(fault.InvalidRequest, "key file %s: %s", path, fmt.Sprintf(format, args...)).
			WithHint("rbee key add and rbee key rm write it; nothing that it holds counts as long as it is wrong").With("path", path)
	}
	var f format
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return wrong("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return wrong("it goes on after the JSON object, at offset %d", d.InputOffset())
	}
	if f.Version != 1 {
		return wrong("its version is %d, this rbee reads version 1", f.Version)
	}
	if len(f.Keys) > maxKeys {
		return wrong("it holds %d keys, allowed are %d", len(f.Keys), maxKeys)
	}
	names, hashes := map[string]bool{}, map[string]bool{}
	for i, k := range f.Keys {
		if allowed := k.Problem(); allowed != "" {
			return wrong("key %d: %s", i+1, allowed)
		}
		if names[k.Name] || hashes[k.Hash] {
			return wrong("key %d: %s is there twice", i+1, k.Name)
		}
		names[k.Name], hashes[k.Hash] = true, true
	}
	return Set{f.Keys}, nil
}

// Format is the inverse of Parse.
func Format(s Set) []byte {
	keys := s.keys
	if keys == nil {
		keys = []Key{}
	}
	b, _ := json.MarshalIndent(format{1, keys}, "", "  ") // every value was checked
	return append(b, '\n')
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]*$`)

// Problem says what is wrong with k, and what is allowed; "" = nothing.
func (k Key) Problem() string {
	switch {
	case len(k.Name) > 64 || !namePattern.MatchString(k.Name):
		return fmt.Sprintf("the name is %q, allowed are 1 to 64 letters, digits and . _ @ -, a letter or digit first", short(k.Name))
	case k.Concurrent < 0 || k.Concurrent > 1e6:
		return fmt.Sprintf("concurrent is %d, allowed is 1 to 1000000, or 0 for any number", k.Concurrent)
	case k.TokensPerMinute < 0 || k.TokensPerMinute > 1e9:
		return fmt.Sprintf("tokens a minute is %d, allowed is 1 to 1000000000, or 0 for any number", k.TokensPerMinute)
	case math.IsNaN(k.Weight) || k.Weight < 0 || k.Weight > 1000 || k.Weight > 0 && k.Weight < 0.001:
		return fmt.Sprintf("weight is %v, allowed is 0.001 to 1000", k.Weight)
	case len(k.Models) > maxModels:
		return fmt.Sprintf("it has %d models, allowed are %d", len(k.Models), maxModels)
	}
	for _, m := range k.Models {
		if m == "" || len(m) > maxText || !utf8.ValidString(m) || strings.ContainsFunc(m, unicode.IsControl) {
			return fmt.Sprintf("a model is %q, allowed is a name or reference on one line", short(m))
		}
	}
	if digits, ok := strings.CutPrefix(k.Hash, "sha256:"); !ok || len(digits) != 64 || digits != strings.ToLower(digits) || !hexadecimal(digits) {
		return "its hash is not sha256: and 64 hexadecimal digits"
	}
	return ""
}

func hexadecimal(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

func short(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
