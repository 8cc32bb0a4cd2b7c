package proc

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// Found is a living process that carries rbee's environment.
type Found struct {
	Identity
	Command string // argv[0], as the process shows it
	Run     string // RBEE_RUN_ID
	Life    string // RBEE_LIFE
	Root    string // RBEE_ROOT
	// Contained: it lives in another pid namespace (a container), where pids, its root's too, are others than here.
	Contained bool
}

// Find lists the living processes of this user whose environment at exec satisfies match, oldest pid first.
// Zombies are dead and not listed; processes of other users cannot be read and are not ours.
func Find(match func(Found) bool) []Found {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	names, _ := d.Readdirnames(-1)
	d.Close()
	var out []Found
	for _, n := range names {
		pid, err := strconv.Atoi(n)
		if err != nil {
			continue
		}
		env, err := os.ReadFile("/proc/" + n + "/environ")
		if err != nil || !bytes.Contains(env, []byte(EnvRun+"=")) {
			continue
		}
		f := Found{Contained: contained(n)}
		for kv := range bytes.SplitSeq(env, []byte{0}) {
			k, v, _ := strings.Cut(string(kv), "=")
			switch k {
			case EnvRun:
				f.Run = v
			case EnvLife:
				f.Life = v
			case EnvRoot:
				f.Root = v
			}
		}
		if f.Identity = IdentityOf(pid); f.Run == "" || !match(f) || !f.Alive() {
			continue
		}
		cmd, _ := os.ReadFile("/proc/" + n + "/cmdline")
		argv0, _, _ := bytes.Cut(cmd, []byte{0})
		f.Command = string(argv0)
		out = append(out, f)
	}
	return out
}

// contained says whether that process is in another pid namespace than this one.
func contained(pid string) bool {
	here, err1 := os.Readlink("/proc/self/ns/pid")
	there, err2 := os.Readlink("/proc/" + pid + "/ns/pid")
	return err1 == nil && err2 == nil && here != there
}
