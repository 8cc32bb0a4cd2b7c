package testbed

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
)

// Without root a host is an OpenSSH server of the current user on a loopback port, with a home and a temporary
// folder of its own. What is started by it is known by its environment, or by its parents.
const marker = "TESTBED_HOST"

// buildServers starts one for each spec.
func (b *Bed) buildServers(specs []Spec) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	for _, s := range specs {
		for what, asked := range map[string]bool{
			"Users": len(s.Users) > 1, "Shell": s.Shell != "", "Jump as the only way": s.Jump != "", "Without": len(s.Without) > 0,
			"HomeSize": s.HomeSize != defaultHomeSize, "HomeReadOnly": s.HomeReadOnly, "HomeNoexec": s.HomeNoexec,
			"TmpReadOnly": s.TmpReadOnly, "TmpNoexec": s.TmpNoexec,
		} {
			b.needsRoot(!asked, s.Name+": "+what)
		}
		if s.Port, err = freePort(); err != nil {
			return err
		}
		h := &Host{Spec: s, Name: s.Name, Addr: "127.0.0.1", Port: s.Port, User: me.Username, bed: b, dir: filepath.Join(b.Dir, s.Name)}
		b.Hosts = append(b.Hosts, h)
		if err := errors.Join(h.serverFiles(), h.startServer()); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	return nil
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

// serverFiles makes the folders of the host: home, tmp, bin (what is in the place of programs), ssh.
func (h *Host) serverFiles() error {
	dir := filepath.Join(h.dir, "ssh")
	bin := filepath.Join(h.dir, "bin")
	env := "SetEnv PATH=" + bin + ":" + systemPath
	for _, e := range h.environment() {
		env += " " + e
	}
	// StrictModes: everything lies below a temporary folder, which all can write.
	files, err := h.bed.sshFiles(h.Spec, h.Addr, dir, "StrictModes no", env)
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
	errs := []error{os.MkdirAll(h.Home(""), 0o700), os.MkdirAll(filepath.Join(h.dir, "tmp"), 0o700)}
	for path, text := range all {
		mode := os.FileMode(0o600)
		if filepath.Dir(path) == bin {
			mode = 0o700
		}
		errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode))
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
