package sshconn

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"rbee/internal/fault"
)

// hostKeys is what the known_hosts files say about one target.
type hostKeys struct {
	t       Target
	db      *knownhosts.HostKeyDB
	ca      map[string]bool // "file:line" of @cert-authority lines
	revoked map[string]string
}

// loadHostKeys reads the files that exist. One that exists and cannot be read is an error: what it says might
// matter.
func loadHostKeys(t Target) (*hostKeys, error) {
	h := &hostKeys{t: t, ca: map[string]bool{}}
	var files []string
	for _, f := range t.KnownHosts {
		text, err := os.ReadFile(f)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fault.Wrap(fault.SSHHostKeyUnknown, err, "cannot verify the host key of %s: %v", t.Name, err).
				WithHint("make %s readable, or remove it", f)
		}
		files = append(files, f)
		n := 0
		for line := range bytes.Lines(text) {
			if n++; bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("@cert-authority")) {
				h.ca[place(f, n)] = true
			}
		}
	}
	var err error
	if h.db, err = knownhosts.NewDB(files...); err == nil {
		err = h.loadRevoked()
	}
	if err != nil {
		return nil, fault.Wrap(fault.SSHHostKeyUnknown, err, "cannot verify the host key of %s: %v", t.Name, err).
			WithHint("correct the file; `ssh-keygen -l -f FILE` shows what ssh can read of it")
	}
	return h, nil
}

// loadRevoked reads RevokedHostKeys. To leave it out would accept what its owner forbade, so one that is missing, or
// is a binary revocation list, is an error.
func (h *hostKeys) loadRevoked() error {
	f := h.t.RevokedHostKeys
	if f == "" {
		return nil
	}
	text, err := os.ReadFile(f)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(text, []byte("SSHKRL\n")) {
		return fmt.Errorf("RevokedHostKeys %s is a binary revocation list, which is not supported: list the keys in text", f)
	}
	h.revoked = map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return fmt.Errorf("%s:%d: %w", f, n, err)
		}
		h.revoked[string(key.Marshal())] = place(f, n)
	}
	return lines.Err()
}

func place(file string, line int) string { return file + ":" + strconv.Itoa(line) }
