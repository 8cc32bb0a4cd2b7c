package install

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"rbee/deploy/bundle"
	"rbee/deploy/remote"
)

// Facts are what Probe found out about a node.
type Facts struct {
	OS     string   // as Go names it ("linux", "darwin"), else as the node does
	Arch   string   // as Go names it ("amd64", "arm64"), else as the node does
	Libc   string   // "glibc 2.36", "musl"; "" unknown, and where it does not matter
	Lacks  []string // libraries that the engine needs and the node has not
	Tools  []string // of gzip, tar, tee, sha256sum, shasum, openssl: those the node has
	Places []Place  // where a hive could live, the best first
}

// Place is a folder of a node that could hold bundles.
type Place struct {
	Dir  string `json:"dir"`
	Free int64  `json:"free"`          // bytes; -1 = the node does not say
	Bad  string `json:"bad,omitempty"` // why no hive can live there; "" = it can
}

// Bounds on what a node can make us keep.
const (
	maxPlaces = 8
	maxListed = 16
)

// Why a place is bad, by the word of probe.sh.
const (
	badWrite = "cannot be written"
	badName  = "has characters in its name that a shell may take for something else"
)

var bad = map[string]string{
	"ok":     "",
	"mkdir":  "cannot be made",
	"write":  badWrite,
	"owner":  "belongs to somebody else, or others may write to it",
	"open":   "others could replace what is in it",
	"name":   badName,
	"noexec": "nothing there may be executed (noexec)",
}

var (
	systems  = map[string]string{"Linux": "linux", "Darwin": "darwin"}
	machines = map[string]string{"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
	word     = regexp.MustCompile(`^[A-Za-z0-9_.+-]{1,40}$`)
)

// readFacts reads what probe.sh says, up to its "end".
func readFacts(next func() (string, error)) (Facts, error) {
	var facts Facts
	for {
		line, err := next()
		if err != nil {
			return Facts{}, err
		}
		key, rest, _ := strings.Cut(line, " ")
		switch key {
		case "system":
			system, machine, _ := strings.Cut(rest, " ")
			facts.OS, facts.Arch = translate(systems, system), translate(machines, machine)
		case "libc":
			if len(rest) <= 40 {
				facts.Libc = rest
			}
		case "lacks":
			facts.Lacks = appendWord(facts.Lacks, rest)
		case "tool":
			facts.Tools = appendWord(facts.Tools, rest)
		case "dir":
			if p, ok := readPlace(rest); ok && len(facts.Places) < maxPlaces {
				facts.Places = append(facts.Places, p)
			}
		case "why":
			if n := len(facts.Places); n > 0 && facts.Places[n-1].Bad != "" {
				facts.Places[n-1].Bad += quote(rest)
			}
		case "end":
			if facts.OS == "" || facts.Arch == "" {
				return Facts{}, fmt.Errorf("uname does not say what the node is")
			}
			return facts, nil
		}
	}
}

func readPlace(text string) (Place, bool) {
	code, rest, _ := strings.Cut(text, " ")
	free, dir, _ := strings.Cut(rest, " ")
	why, known := bad[code]
	kb, err := strconv.ParseInt(free, 10, 64)
	if !known || dir == "" || err != nil || kb < -1 || kb > 1<<50 {
		return Place{}, false
	}
	p := Place{Dir: dir, Free: kb, Bad: why}
	if kb > 0 {
		p.Free = kb << 10
	}
	if p.Bad == "" && !usable(dir) {
		p.Bad = badName
	}
	return p, true
}

// usable: the folder can be a word of a command. The only relative one is ours.
func usable(dir string) bool {
	return remote.Safe(dir) && (dir == home || strings.HasPrefix(dir, "/")) && len(dir) < 1024
}

func translate(table map[string]string, s string) string {
	if t, ok := table[s]; ok {
		return t
	}
	if !word.MatchString(s) {
		return ""
	}
	return s
}

func appendWord(list []string, s string) []string {
	if word.MatchString(s) && len(list) < maxListed {
		list = append(list, s)
	}
	return list
}

// Platform is the kind of bundle the node needs.
func (f Facts) Platform(device string) bundle.Platform {
	return bundle.Platform{OS: f.OS, Arch: f.Arch, Device: device}
}
