package install

import (
	"strings"
	"testing"
	"unicode"

	"rbee/internal/fault"
)

func read(text string) (Facts, error) { return readFacts(newFrames(strings.NewReader(text), "n").next) }

func TestOnlyWholeMarkedLinesCount(t *testing.T) {
	facts, err := read("noise\nrbee:n system Linux x86_64\r\nrbee:m tool gzip\n rbee:n tool tar\n" + strings.Repeat("x", 2*maxLine) +
		"rbee:n tool openssl\nrbee:n lacks libffi.so.8\nrbee:n dir noexec 7 /x y\nrbee:n why because\x1b[31m\nrbee:n dir ok 7 /z\nrbee:n end\nrbee:n lacks late")
	if err != nil {
		t.Fatal(err)
	}
	if facts.OS != "linux" || facts.Arch != "amd64" || facts.Tools != nil || len(facts.Lacks) != 1 {
		t.Errorf("%+v", facts)
	}
	if len(facts.Places) != 2 || facts.Places[0].Dir != "/x y" || !strings.HasSuffix(facts.Places[0].Bad, "because[31m") || facts.Places[1] != (Place{"/z", 7 << 10, ""}) {
		t.Errorf("%+v", facts.Places)
	}
}

func TestAnAnswerWithoutItsEndIsNone(t *testing.T) {
	for _, text := range []string{"", "rbee:n system Linux x86_64\nrbee:n dir ok 7 /z\n", "rbee:n end", "rbee:n end\n", "rbee:n system Linux $(x)\nrbee:n end\n"} {
		if facts, err := read(text); err == nil {
			t.Errorf("%q: %+v", text, facts)
		}
	}
}

func TestABundleGoesOnlyToAFolderThatIsAWord(t *testing.T) {
	for _, dir := range []string{"relative", "../x", "/a b", "/$(x)", "/a;b", "~/x", "-rf", "/" + strings.Repeat("x", 2000)} {
		facts, err := read("rbee:n system Linux x86_64\nrbee:n dir ok 7 " + dir + "\nrbee:n end\n")
		if err != nil || len(facts.Places) != 1 || facts.Places[0].Bad == "" {
			t.Errorf("%.20q: %+v, %v", dir, facts, err)
		}
	}
}

// A node may say what it likes: what is kept of it is little, harmless, and a folder we would use is a safe word.
func FuzzProbeAnswer(f *testing.F) {
	f.Add("rbee:n system Linux x86_64\nrbee:n libc glibc 2.36\nrbee:n tool gzip\nrbee:n dir ok 7 .cache/rbee\nrbee:n why x\nrbee:n end\n")
	f.Add("\nrbee:n system Darwin arm64\nrbee:n dir mkdir -1 /a b\nrbee:n why \xff\x00\nrbee:n end\n")
	f.Add(strings.Repeat("rbee:n dir ok 9999999999999999999 /\n", 100))
	f.Add(strings.Repeat("x", 100<<10))
	f.Fuzz(func(t *testing.T, text string) {
		facts, err := read(text)
		if err != nil {
			return
		}
		if facts.OS == "" || facts.Arch == "" || len(facts.Places) > maxPlaces || len(facts.Tools) > maxListed || len(facts.Lacks) > maxListed {
			t.Errorf("%+v", facts)
		}
		said := facts.OS + facts.Arch + facts.Libc + strings.Join(facts.Lacks, "")
		for _, p := range facts.Places {
			if p.Bad == "" && !usable(p.Dir) || p.Free < -1 {
				t.Errorf("%+v", p)
			}
			said += p.Dir + p.Bad
		}
		if strings.ContainsFunc(said, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			t.Errorf("control characters in %q", said)
		}
		if err := facts.Check(); err != nil && fault.From(err).Hint == "" {
			t.Errorf("%v has no hint", err)
		}
	})
}
