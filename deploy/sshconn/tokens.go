package sshconn

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// tokens are the values of ssh_config's % letters for one name.
type tokens struct {
	home, localUser, localHost string
	original                   string // %n
	host, port, user, alias    string // %h %p %r %k
	jump                       string // %j
}

func (t tokens) of(letter byte) (string, bool) {
	switch letter {
	case '%':
		return "%", true
	case 'h':
		return t.host, true
	case 'n':
		return t.original, true
	case 'p':
		return t.port, true
	case 'r':
		return t.user, true
	case 'k':
		if t.alias != "" {
			return t.alias, true
		}
		return t.original, true
	case 'j':
		return t.jump, true
	case 'd':
		return t.home, true
	case 'u':
		return t.localUser, true
	case 'i':
		return strconv.Itoa(os.Getuid()), true
	case 'l':
		return t.localHost, true
	case 'L':
		short, _, _ := strings.Cut(t.localHost, ".")
		return short, true
	case 'C':
		sum := sha1.Sum([]byte(t.localHost + t.host + t.port + t.user + t.jump))
		return hex.EncodeToString(sum[:]), true
	}
	return "", false
}

// expand replaces the tokens in s.
func (t tokens) expand(s string) (string, error) { return t.replace(s, "", nil) }

func (t tokens) replace(s, only string, check func(letter byte, v string) error) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", fmt.Errorf("%q ends in %%", s)
		}
		v, ok := t.of(s[i])
		if !ok || only != "" && strings.IndexByte(only, s[i]) < 0 {
			return "", fmt.Errorf("%q: the token %%%c is not known here", s, s[i])
		}
		if check != nil {
			if err := check(s[i], v); err != nil {
				return "", err
			}
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

// command replaces the tokens in a command for a shell. A host or user that means more than itself to a shell is
// refused, as OpenSSH does since CVE-2023-51385: names come from anywhere, the command around them is the user's.
func (t tokens) command(s, letters string) (string, error) {
	return t.replace(s, letters, func(letter byte, v string) error {
		switch letter {
		case 'h', 'n', 'k', 'r', 'j':
			if v != "" && (!safeHost(strings.NewReplacer("@", "", "+", "", ",", "", "[", "", "]", "").Replace(v)) || v[0] == '-') {
				return fmt.Errorf("%%%c would put %.60q into a command: a name with such characters never reaches a shell", letter, v)
			}
		}
		return nil
	})
}

// path replaces tokens, ${VARIABLES} and a leading ~ in the name of a file.
func (t tokens) path(s string) (string, error) {
	s, err := t.expand(s)
	if err != nil {
		return "", err
	}
	if s, err = environment(s); err != nil {
		return "", err
	}
	if !strings.HasPrefix(s, "~") {
		return s, nil
	}
	who, rest, _ := strings.Cut(s[1:], "/")
	if who == "" {
		return filepath.Join(t.home, rest), nil
	}
	u, err := user.Lookup(who)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s, err)
	}
	return filepath.Join(u.HomeDir, rest), nil
}

func environment(s string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, rest, ok := strings.Cut(after, "}")
		v, set := os.LookupEnv(name)
		if !ok || !set {
			return "", fmt.Errorf("%q: the environment variable %s is not set", s, name)
		}
		b.WriteString(v)
		s = rest
	}
}
