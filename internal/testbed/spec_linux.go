package testbed

import (
	"cmp"
	"fmt"
	"path"
)

const defaultHomeSize = 512 << 20

// MaxHosts is how many hosts a bed has at most.
const MaxHosts = 16

// Spec says what a host is like. The zero value is an ordinary machine with one user.
type Spec struct {
	Name string // host name and name in the SSH config; default h1, h2, ... by position
	Jump string // name of the host through which alone this one can be reached

	Users []User // default: one User{}; the first is the one of the SSH config
	Shell string // login shell of users that name none; default /bin/bash
	Port  int    // of sshd; default 22

	SSHD   []string // lines of sshd_config that win over the bed's, such as "DisableForwarding yes"
	Banner string   // what sshd shows before authentication
	// HostCert makes sshd show a host certificate; known_hosts then holds its authority and not the key.
	HostCert bool

	HomeSize     int64             // bytes a home can hold; default 512 MiB
	HomeReadOnly bool              // homes cannot be written
	HomeNoexec   bool              // nothing below a home can be executed
	TmpNoexec    bool              // nor below /tmp, /var/tmp, /run and /dev/shm
	TmpReadOnly  bool              // /tmp, /var/tmp and /dev/shm cannot be written
	HomeFiles    map[string]string // files in every home, as in ".bashrc": "echo hello"

	// Without hides programs, by path or by name: Without: []string{"sh"} is a host that has no shell but the login
	// shell. Programs puts scripts in the place of programs, as in "uname": "#!/bin/bash\necho Plan9".
	Without  []string
	Programs map[string]string

	Share []string // paths of this machine to be seen in the host as well, read-only: hosts have a /tmp of their own
}

// User is an account of a host. Its home is /home/NAME, and the bed's key opens it.
type User struct {
	Name  string // default bee
	UID   int    // and GID; default 2001 and on
	Shell string // default: the spec's
}

func (u User) home() string { return path.Join("/home", u.Name) }

// complete fills in the defaults of the n-th spec, from 0, and checks what would break the bed.
func (s Spec) complete(n int) (Spec, error) {
	s.Name = cmp.Or(s.Name, fmt.Sprintf("h%d", n+1))
	s.Port = cmp.Or(s.Port, 22)
	s.HomeSize = cmp.Or(s.HomeSize, defaultHomeSize)
	users := s.Users
	if len(users) == 0 {
		users = []User{{}}
	}
	s.Users = nil
	for i, u := range users {
		u.Name = cmp.Or(u.Name, "bee")
		u.UID = cmp.Or(u.UID, 2001+i)
		u.Shell = cmp.Or(u.Shell, s.Shell, "/bin/bash")
		if u.Name == "root" || path.Base(u.Name) != u.Name || u.UID < 1000 {
			return s, fmt.Errorf("host %s: %q (uid %d) cannot be a user of a bed", s.Name, u.Name, u.UID)
		}
		s.Users = append(s.Users, u)
	}
	return s, nil
}

// complete fills in the defaults of all specs.
func complete(specs []Spec) ([]Spec, error) {
	if len(specs) == 0 {
		specs = []Spec{{}}
	}
	if len(specs) > MaxHosts {
		return nil, fmt.Errorf("%d hosts asked for, a bed has %d at most", len(specs), MaxHosts)
	}
	all, seen := []Spec(nil), map[string]bool{}
	for i, s := range specs {
		s, err := s.complete(i)
		if err != nil {
			return nil, err
		}
		if seen[s.Name] {
			return nil, fmt.Errorf("two hosts are called %s", s.Name)
		}
		if s.Jump != "" && !seen[s.Jump] {
			return nil, fmt.Errorf("host %s: the host %q to jump through must come before it", s.Name, s.Jump)
		}
		seen[s.Name] = true
		all = append(all, s)
	}
	return all, nil
}
