package install

import (
	"regexp"
	"strings"

	"rbee/deploy/remote"
)

// Attempt is what became of the start of a hive whose first bytes never came.
type Attempt int

const (
	Failed    Attempt = iota // it ran, or something else is wrong: more of the same will not help
	Missing                  // there is no such file: install it
	Foreign                  // it is there, for another processor or system
	Forbidden                // it is there, and may not be executed
)

// asScript: a shell read the hive, which is a binary, as a script. So does execvp, and with it env, where the kernel does
// not know the format.
var asScript = regexp.MustCompile(`rbee-hive: (line )?[0-9]+: `)

// NotThere says whether the start of a hive failed because the node does not have it.
func NotThere(exit remote.Exit, stderr string) bool { return Classify(exit, stderr) == Missing }

// Classify reads a failed start from its exit status and the end of its stderr. sh, bash, zsh, fish and env say 127
// where there is no such file and 126 where it cannot be executed, container runtimes either, csh says 1; the words
// tell the rest. For Missing, Foreign and Forbidden the way out is Ensure, which finds another folder or processor.
func Classify(exit remote.Exit, stderr string) Attempt {
	if !exit.Known || exit.Signal != "" || exit.Code == 0 {
		return Failed
	}
	text := strings.ToLower(stderr)
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	byShell := exit.Code == 126 || exit.Code == 127
	switch {
	case (byShell || exit.Code == 1) && says("exec format error", "wrong architecture", "cannot execute binary file", "bad cpu type", "could not be run by the operating system"),
		asScript.MatchString(text):
		return Foreign
	case byShell && says("permission denied", "not an executable file", "operation not permitted"):
		return Forbidden
	case exit.Code == 127, exit.Code == 126 && says("no such file", "not found"):
		return Missing
	case exit.Code == 126:
		return Forbidden
	case exit.Code == 1 && says("rbee-hive: command not found", "sh: command not found"):
		return Missing
	case exit.Code == 1 && says("rbee-hive: permission denied"):
		return Forbidden
	}
	return Failed
}
