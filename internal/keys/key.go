package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"
)

// Prefix begins every key, so that people and secret scanners know one when they see it.
const Prefix = "rbee_"

// Key is what is kept of one key: everything but the key.
type Key struct {
	Name    string    `json:"name"`
	Hash    string    `json:"hash"` // "sha256:" and 64 hexadecimal digits
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero = never

	Models          []string `json:"models,omitempty"`            // the only ones it may name; none = all
	Concurrent      int      `json:"concurrent,omitempty"`        // requests at the same time; 0 = any number
	TokensPerMinute int      `json:"tokens_per_minute,omitempty"` // prompt and answer together; 0 = any number
	Weight          float64  `json:"weight,omitempty"`            // of its place in line, beside others'; 0 = 1
}

// New makes a secret. Only its Hash is to be kept.
func New() (secret string) { return Prefix + strings.ToLower(rand.Text()+rand.Text()) }

// Hash is what is kept of a secret.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Set is the keys there are. It does not change.
type Set struct{ keys []Key }

// All returns the keys, in the order they were made.
func (s Set) All() []Key { return s.keys }

// Len is how many keys there are, expired ones included.
func (s Set) Len() int { return len(s.keys) }

// Find returns the key that secret is, expired or not. It takes as long for any secret: every key is compared, and
// each in constant time.
func (s Set) Find(secret string) (k Key, ok bool) {
	hash := []byte(Hash(secret))
	at := -1
	for i := range s.keys {
		if subtle.ConstantTimeCompare(hash, []byte(s.keys[i].Hash)) == 1 {
			at = i
		}
	}
	if at < 0 {
		return Key{}, false
	}
	return s.keys[at], true
}

// Expired reports whether k counts no more.
func (k Key) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// Named returns the key of that name.
func (s Set) Named(name string) (Key, bool) {
	for _, k := range s.keys {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}
