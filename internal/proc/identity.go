package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Identity names one life of one process on this host.
type Identity struct {
	PID int
	// Start is when the process began, in the kernel's own unit (Linux: clock ticks since boot). 0 = unknown,
	// where only the pid can be compared.
	Start uint64
}

// Self returns this process's identity.
func Self() Identity { return IdentityOf(os.Getpid()) }

// IdentityOf returns the identity of the living process with that pid; Start is 0 if there is none.
func IdentityOf(pid int) Identity {
	st, err := readStat(pid)
	if err != nil {
		return Identity{PID: pid}
	}
	return Identity{PID: pid, Start: st.start}
}

// Alive says whether this very process still runs. A zombie does not.
func (id Identity) Alive() bool {
	st, err := readStat(id.PID)
	if err != nil || st.state == 'Z' || st.state == 'X' {
		return false
	}
	return id.Start == 0 || st.start == id.Start
}

func (id Identity) String() string { return fmt.Sprintf("%d@%d", id.PID, id.Start) }

// ParseIdentity is the inverse of String.
func ParseIdentity(s string) (Identity, error) {
	p, st, ok := strings.Cut(s, "@")
	pid, err1 := strconv.Atoi(p)
	start, err2 := strconv.ParseUint(st, 10, 64)
	if !ok || err1 != nil || err2 != nil || pid <= 0 {
		return Identity{}, fmt.Errorf("not a process identity (pid@start): %q", s)
	}
	return Identity{PID: pid, Start: start}, nil
}

// stat is what is needed of /proc/<pid>/stat.
type stat struct {
	state byte
	ppid  int
	pgid  int
	start uint64
}
