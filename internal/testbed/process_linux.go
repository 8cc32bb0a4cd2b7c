package testbed

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process is a process of a host, seen from outside.
type Process struct {
	PID    int // as the test process sees it
	Inner  int // as the host sees it
	Parent int // as the test process sees it
	UID    int
	State  byte     // R, S, D, T (stopped), Z (zombie), ... of proc(5)
	Args   []string // none for a zombie
	Run    string   // RBEE_RUN_ID of its environment
	Life   string   // RBEE_LIFE
	start  uint64
	server string // marker of its environment
	depth  int    // pid namespaces it is in, from ours on
}

// Name is the file name of the program, as far as it says.
func (p Process) Name() string {
	if len(p.Args) == 0 {
		return ""
	}
	return filepath.Base(p.Args[0])
}

func (p Process) String() string {
	return fmt.Sprintf("pid %d (%d in the host), parent %d, uid %d, %c: %s", p.PID, p.Inner, p.Parent, p.UID, p.State, strings.Join(p.Args, " "))
}

// Match picks processes.
type Match func(Process) bool

// Any picks all.
func Any(Process) bool { return true }

// PID picks one, by the pid that the test process sees.
func PID(pid int) Match { return func(p Process) bool { return p.PID == pid } }

// Inner picks one, by the pid that the host sees.
func Inner(pid int) Match { return func(p Process) bool { return p.Inner == pid } }

// OfRun picks the processes of a run, by RBEE_RUN_ID.
func OfRun(id string) Match { return func(p Process) bool { return p.Run == id } }

// Named picks the processes whose program's name has that part: Named("hive") is rbee-hive.
func Named(part string) Match {
	return func(p Process) bool { return strings.Contains(p.Name(), part) }
}

// SSHD picks the server that listens, and no session of it.
func SSHD(p Process) bool {
	title := strings.Join(p.Args, " ") // its arguments, until it writes a title over them
	return strings.Contains(title, "[listener]") || p.Name() == "sshd" && strings.Contains(title, " -D ") && !strings.Contains(title, " -R")
}

// SSHSession picks the processes of sshd that serve connections, and not what they started for the user.
func SSHSession(p Process) bool {
	return len(p.Args) > 0 && (strings.HasPrefix(p.Args[0], "sshd: ") || strings.HasPrefix(p.Name(), "sshd")) && !SSHD(p)
}

// Processes lists what runs on the host, zombies included, by pid. The host's init is the bed's and not listed.
func (h *Host) Processes() ([]Process, error) {
	if !h.bed.Caps.Hosts {
		return h.serverProcesses()
	}
	mine, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", h.init.Pid))
	if err != nil {
		return nil, err
	}
	return processes(func(pid int) bool {
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
		return err == nil && ns == mine && pid != h.init.Pid
	})
}

// processes lists those of the machine whose pid is picked, by pid.
func processes(pick func(pid int) bool) ([]Process, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, d := range dirs {
		if pid, err := strconv.Atoi(d.Name()); err == nil && pick(pid) {
			if p, ok := readProcess(pid); ok {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	return all, nil
}

// Find lists the living processes of the host that match.
func (h *Host) Find(match Match) ([]Process, error) {
	all, err := h.Processes()
	return slices.DeleteFunc(all, func(p Process) bool { return !match(p) || p.State == 'Z' }), err
}

// readProcess reads /proc/PID (proc(5)). What ends meanwhile is not there.
func readProcess(pid int) (p Process, ok bool) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := read(dir + "stat")
	if err != nil {
		return p, false
	}
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from field 3
	if len(f) < 20 {
		return p, false
	}
	p.PID, p.State = pid, f[0][0]
	p.Parent, _ = strconv.Atoi(f[1])
	p.start, _ = strconv.ParseUint(f[19], 10, 64)
	status, _ := read(dir + "status")
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		switch f := strings.Fields(value); {
		case name == "Uid" && len(f) > 0:
			p.UID, _ = strconv.Atoi(f[0])
		case name == "NSpid" && len(f) > 0:
			p.Inner, _ = strconv.Atoi(f[len(f)-1])
			p.depth = len(f)
		}
	}
	if args, _ := read(dir + "cmdline"); args != "" {
		p.Args = strings.Split(strings.TrimRight(args, "\x00"), "\x00")
	}
	env, _ := os.ReadFile(dir + "environ")
	for v := range bytes.SplitSeq(env, []byte{0}) {
		switch name, value, _ := strings.Cut(string(v), "="); name {
		case "RBEE_RUN_ID":
			p.Run = value
		case "RBEE_LIFE":
			p.Life = value
		case marker:
			p.server = value
		}
	}
	return p, true
}
