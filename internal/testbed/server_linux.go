package testbed

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Without root a host is an OpenSSH server of the current user on a loopback port, with a home and a temporary
// folder of its own; the login shell is a script that goes there and becomes the shell asked for (see login). What is
// started by the server is known by its environment, or by its parents.
const marker = "TESTBED_HOST"

// buildServers starts one for each spec.
func (b *Bed) buildServers(specs []Spec) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	for _, s := range specs {
		lacks := serverLacks(s)
		for _, what := range lacks {
			_ = b.needsRoot(false, s.Name+": "+what)
		}
		if s.Port, err = freePort(); err != nil {
			return err
		}
		h := &Host{Spec: s, Name: s.Name, Addr: "127.0.0.1", Port: s.Port, User: me.Username, bed: b, dir: filepath.Join(b.Dir, s.Name), lacks: lacks}
		b.Hosts = append(b.Hosts, h)
		if err := errors.Join(h.serverFiles(), h.startServer()); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	return nil
}

// serverLacks names what of a spec only a machine of its own can be.
func serverLacks(s Spec) (lacks []string) {
	for what, asked := range map[string]bool{
		"Users": len(s.Users) > 1, "Jump as the only way": s.Jump != "", "HomeSize": s.HomeSize != defaultHomeSize,
		"HomeReadOnly": s.HomeReadOnly, "HomeNoexec": s.HomeNoexec, "TmpReadOnly": s.TmpReadOnly, "TmpNoexec": s.TmpNoexec,
	} {
		if asked {
			lacks = append(lacks, what)
		}
	}
	slices.Sort(lacks)
	return lacks
}

// freePort finds a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// environment is what every process of the host has in its environment.
func (h *Host) environment() []string {
	return []string{marker + "=" + owner(os.Getpid()) + h.dir, "HOME=" + h.Home(""), "TMPDIR=" + filepath.Join(h.dir, "tmp")}
}

// path is the PATH of the host's commands: this machine's, after what is in the place of its programs; where some are
// hidden, a folder of links to all others stands for it.
func (h *Host) path() string {
	bin := filepath.Join(h.dir, "bin")
	if len(h.Spec.Without) > 0 {
		return bin
	}
	return bin + ":" + systemPath
}

// login is the host's login shell. sshd goes to the home that the system knows of and starts the shell that it knows
// of, with no home, so that the shell reads nothing; that runs this, which does both as the host would.
func (h *Host) login() string {
	return fmt.Sprintf("#!/bin/sh\nunset SHLVL\nexport HOME='%s'\ncd \"$HOME\" || exit 1\n[ -n \"$SSH_ORIGINAL_COMMAND\" ] || exec %[2]s -l\nexec %[2]s -c \"$SSH_ORIGINAL_COMMAND\"\n",
		h.Home(""), h.Spec.Users[0].Shell)
}

// linkPrograms fills the host's bin with this machine's programs but for the hidden ones.
func (h *Host) linkPrograms(bin string) error {
	for dir := range strings.SplitSeq(systemPath, ":") {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if slices.ContainsFunc(h.Spec.Without, func(hidden string) bool { return filepath.Base(hidden) == e.Name() }) {
				continue
			}
			if err := os.Symlink(filepath.Join(dir, e.Name()), filepath.Join(bin, e.Name())); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
		}
	}
	return nil
}

// serverFiles makes the folders of the host: home, tmp, bin (what is in the place of programs), ssh.
func (h *Host) serverFiles() error {
	dir := filepath.Join(h.dir, "ssh")
	bin := filepath.Join(h.dir, "bin")
	shell := filepath.Join(h.dir, "login")
	// One keyword has one line, the first, so the bed's variables join the spec's.
	spec := h.Spec
	spec.SSHD = nil
	env := "SetEnv PATH=" + h.path() + " HOME=" + filepath.Join(h.dir, "nowhere")
	for _, e := range h.environment() {
		if !strings.HasPrefix(e, "HOME=") {
			env += " " + e
		}
	}
	for _, line := range h.Spec.SSHD {
		if more, ok := strings.CutPrefix(line, "SetEnv "); ok {
			env += " " + more
		} else {
			spec.SSHD = append(spec.SSHD, line)
		}
	}
	// StrictModes: everything lies below a temporary folder, which all can write.
	files, err := h.bed.sshFiles(spec, h.Addr, dir, "StrictModes no", "ForceCommand "+shell, env)
	if err != nil {
		return err
	}
	all := map[string]string{}
	for name, text := range files {
		all[filepath.Join(dir, name)] = text
	}
	for name, text := range h.Spec.HomeFiles {
		all[filepath.Join(h.Home(""), name)] = text
	}
	for name, text := range h.Spec.Programs {
		all[filepath.Join(bin, filepath.Base(name))] = text
	}
	errs := []error{os.MkdirAll(h.Home(""), 0o700), os.MkdirAll(filepath.Join(h.dir, "tmp"), 0o700), os.WriteFile(shell, []byte(h.login()), 0o700)}
	for path, text := range all {
		mode := os.FileMode(0o600)
		if filepath.Dir(path) == bin {
			mode = 0o700
		}
		errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode))
	}
	if len(h.Spec.Without) > 0 {
		errs = append(errs, os.MkdirAll(bin, 0o700), h.linkPrograms(bin))
	}
	return errors.Join(errs...)
}

// startServer starts sshd and waits until it takes connections.
func (h *Host) startServer() error {
	sshd, err := look("sshd")
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	if h.init != nil {
		h.init.Wait() // it was killed
		if err := h.log.close(); err != nil {
			return err
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	h.log = collect(r)
	h.init, err = h.bed.spawn.start(sshd, []string{sshd, "-D", "-e", "-f", filepath.Join(h.dir, "ssh", "sshd_config")}, &os.ProcAttr{
		Env: append(h.environment(), "PATH="+systemPath), Files: []*os.File{null, w, w}, Sys: &syscall.SysProcAttr{},
	})
	w.Close()
	if err != nil {
		return err
	}
	return h.log.wait("Server listening on", 1)
}

// serverProcesses lists the processes that have the host's marker, and those that descend from its server.
func (h *Host) serverProcesses() ([]Process, error) {
	all, err := processes(func(int) bool { return true })
	if err != nil {
		return nil, err
	}
	parent := map[int]Process{}
	for _, p := range all {
		parent[p.PID] = p
	}
	mark := strings.TrimPrefix(h.environment()[0], marker+"=")
	var mine []Process
	for _, p := range all {
		for q, ok := p, true; ok; q, ok = parent[q.Parent] {
			if q.server == mark || h.init != nil && q.PID == h.init.Pid {
				mine = append(mine, p)
				break
			}
		}
	}
	return mine, nil
}

// closeServer ends all of them.
func (h *Host) closeServer() error {
	if h.init == nil {
		return nil
	}
	var errs []error
	for {
		left, err := h.Find(Any)
		if err != nil || len(left) == 0 {
			errs = append(errs, err)
			break
		}
		for _, p := range left {
			if err := end(p.PID); err != nil {
				return err // not again and again
			}
		}
	}
	h.init.Wait()
	return errors.Join(append(errs, h.log.close())...)
}
