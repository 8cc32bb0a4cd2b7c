package archtest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// allowed are the entries at the top of the tree: seven folders that say what rbee is, and the usual files.
func allowed() []string {
	return []string{
		"actors", "bench", "cmd", "deploy", "messages", "supervisor", "internal",
		".ci", ".gitattributes", ".gitignore",
		"go.mod", "go.sum", "tools.mod", "tools.sum", "Makefile",
		"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "NOTICE",
	}
}

func TestTheTopLevelHoldsOnlyWhatItShould(t *testing.T) {
	for _, f := range files(t) {
		if top, _, _ := strings.Cut(f, "/"); !slices.Contains(allowed(), top) {
			t.Errorf("%s does not belong at the top level", f)
		}
	}
}

// unmentionable is what says where this was written instead of what it is: folders of one machine, notes that are
// not in the tree. (Written so that this file does not mention them either.)
var unmentionable = regexp.MustCompile(
	`(^|[^A-Za-z0-9_.~-])/wo` + `rk/|/ro` + `ot/|(^|[^A-Za-z0-9_-])sha` + `red/[a-zA-Z]|\b(SP` + `EC|DES` + `IGN|ENG` + `INE|STY` + `LE)\.md\b`)

func TestNoFileMentionsTheMachineItWasWrittenOn(t *testing.T) {
	for _, f := range files(t) {
		b, err := os.ReadFile(filepath.Join(root, f))
		if os.IsNotExist(err) {
			continue // removed, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(b[:min(len(b), 8000)], 0) >= 0 || f == "go.sum" || f == "tools.sum" {
			continue
		}
		for i, line := range bytes.Split(b, []byte("\n")) {
			if m := unmentionable.Find(line); m != nil {
				t.Errorf("%s:%d mentions %q", f, i+1, m)
			}
		}
	}
}

func TestWhatIsUnmentionableIsNoticed(t *testing.T) {
	for line, want := range map[string]bool{
		"see /wo" + "rk/main": true, "in sha" + "red/x": true, "DES" + "IGN.md says": true, "/ro" + "ot/go": true,
		"a shared library": false, "messages/work.proto": false, "/worker/": false, "sha" + "red/": false,
		"~/wo" + "rk/x": false, "ARCHITECTURE.md": false,
	} {
		if got := unmentionable.MatchString(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}
