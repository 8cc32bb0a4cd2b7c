package config

import (
	"path/filepath"
	"strings"
	"syscall"

	"rbee/internal/fault"
)

// maxSocketPath is what the kernel's sockaddr_un holds, less its final NUL: 107 bytes on Linux, 103 on macOS.
var maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// Socket is where a daemon is looked for.
type Socket struct {
	Path string
	// Named: by a flag or a variable. Then its path must be usable; a default one that is not means only that no
	// daemon can be there.
	Named bool
}

// Socket returns the path of the daemon's socket: flag if it is not "", else RBEE_SOCKET, else
// $XDG_RUNTIME_DIR/rbee/queen.sock, else queen.sock in the state folder. Nothing is created.
func (e Env) Socket(flag string) (Socket, error) {
	for _, named := range []string{flag, e.get("RBEE_SOCKET")} {
		if named != "" {
			path, err := filepath.Abs(strings.TrimPrefix(named, "unix:"))
			if err != nil {
				return Socket{Named: true}, fault.Wrap(fault.InvalidRequest, err, "cannot make %s absolute: %v", named, err)
			}
			return Socket{path, true}, CheckSocketPath(path)
		}
	}
	if d := e.get("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
		return Socket{filepath.Join(d, "rbee", "queen.sock"), false}, nil
	}
	state, err := e.StateDir()
	return Socket{filepath.Join(state, "queen.sock"), false}, err
}

// CheckSocketPath refuses a path that does not fit into a socket address.
func CheckSocketPath(path string) error {
	if len(path) <= maxSocketPath {
		return nil
	}
	return fault.New(fault.InvalidRequest, "socket path is %d bytes long, allowed is up to %d: %s", len(path), maxSocketPath, path).
		WithHint("name a shorter one with --socket or RBEE_SOCKET").
		With("length", len(path)).With("limit", maxSocketPath)
}
