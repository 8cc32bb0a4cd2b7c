// Package remote says what it takes for a machine to be a node: a way to run a command there with stdin, stdout and
// stderr. An SSH connection is one (package sshconn); any program that gives stdio is another (package argvconn:
// `docker exec -i box`, `kubectl exec -i pod --`, `ssh mac`).
//
// Commands are lists of words, and each word must be [Safe]: made of characters that mean nothing to any shell. So
// the same words arrive whether the far side joins them for a login shell (sh, csh, fish), or executes them as they
// are, and nothing that a user typed can ever be run. What needs a shell's features travels as a script on the
// stdin of `sh`.
package remote

import (
	"context"
	"fmt"
	"io"
	"syscall"
)

// Conn is an open way to a node.
type Conn interface {
	// Start runs a command on the node. Its first word is looked up by the node itself; a relative path with a slash
	// is taken from where commands start there (for SSH, the home folder). The context bounds the start only. An
	// unsafe word is an error and starts nothing.
	Start(ctx context.Context, words []string) (Session, error)
	// Lost is closed when the way to the node is gone, for whatever reason, Close included.
	Lost() <-chan struct{}
	// Close gives the way up, and unblocks everything that waits on it. It does not wait for the far side.
	Close() error
	// String names the far side for people: "user@host:22".
	String() string
}

// Pinger is a Conn that can be asked for a sign of life, whatever else is on its way.
type Pinger interface {
	// Ping returns nil when the far side has answered. It returns when the connection is lost, not before.
	Ping() error
}

// Session is one command that was started on a node.
type Session interface {
	// Read is the command's stdout, Write its stdin. Close ends both and unblocks whoever waits in them.
	io.ReadWriteCloser
	// CloseWrite is the end of the command's stdin.
	CloseWrite() error
	// Stderr must be read, or the command may block.
	Stderr() io.Reader
	// Signal asks the far side to send a signal to the command. Not every way can: an error says so, and its absence
	// proves nothing.
	Signal(syscall.Signal) error
	// Done is closed when the command's exit status arrived, or never will because the way is gone.
	Done() <-chan struct{}
	// Exit says how it ended. Only after Done.
	Exit() Exit
}

// Exit is how a command ended.
type Exit struct {
	// Known: the far side told us. Otherwise nothing is proven: the command may run on.
	Known  bool
	Code   int    // exit status, when Signal is ""
	Signal string // "KILL", "SEGV" when a signal ended it
	Err    error  // with Known false: why we do not know
}

// OK: the command ran and returned 0.
func (e Exit) OK() bool { return e.Known && e.Signal == "" && e.Code == 0 }

func (e Exit) String() string {
	switch {
	case !e.Known && e.Err != nil:
		return "unknown: " + e.Err.Error()
	case !e.Known:
		return "unknown"
	case e.Signal != "":
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Safe says whether a word means itself to every shell, in any position: it is not empty, begins with none of the
// characters that expand at the beginning of a word, and holds letters, digits and _ - . / : = @ % + , ~ only.
func Safe(word string) bool {
	if word == "" || word[0] == '~' || word[0] == '=' || word[0] == '%' {
		return false
	}
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '_', c == '-', c == '.', c == '/', c == ':', c == '@', c == '%', c == '+', c == ',':
		case c == '=', c == '~':
			// "VAR=~x" and "a:~x" would expand.
			if i+1 < len(word) && (c == '=' && word[i+1] == '~') {
				return false
			}
			if c == '~' && word[i-1] == ':' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// CheckWords refuses a command that holds an unsafe word, and one without words.
func CheckWords(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("an empty command")
	}
	for _, w := range words {
		if !Safe(w) {
			return fmt.Errorf("the word %.80q may mean something to a shell on the node", w)
		}
	}
	return nil
}
