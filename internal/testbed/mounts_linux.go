package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// scratch is where init keeps what it binds elsewhere; nothing is mounted there when it is done.
const scratch = "/mnt"

// mounts makes the host's file systems: this machine's, read-only, and over it what is the host's own.
func (p plan) mounts() error {
	s := p.Spec
	tmp := mountFlags(s.TmpReadOnly, s.TmpNoexec)
	var m mounter
	// Private first: nothing below may be seen outside.
	m.mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	m.do("read-only", "/", unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}))
	m.mount("tmpfs", scratch, "tmpfs", 0, "mode=755")
	for i, path := range s.Share { // before /tmp is hidden
		m.bind(path, fmt.Sprintf("%s/share%d", scratch, i))
	}
	m.mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	m.mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
	m.mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|mountFlags(false, s.TmpNoexec), "mode=755,size=64m")
	m.mkdir("/run/sshd", 0o755, 0) // sshd insists on it
	m.mount("tmpfs", "/root", "tmpfs", 0, "mode=700,size=64m")
	m.mount("tmpfs", "/home", "tmpfs", 0, "mode=755,size=1m")
	for _, u := range s.Users {
		m.home(s, u)
	}
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		m.mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|tmp&^unix.MS_RDONLY, "mode=1777,size=512m")
	}
	for i, path := range s.Share {
		m.share(fmt.Sprintf("%s/share%d", scratch, i), path)
	}
	if s.TmpReadOnly {
		for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
			m.mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSUID|unix.MS_NODEV|tmp, "")
		}
	}
	m.etc(p.Etc)
	m.programs(s)
	if m.err == nil {
		m.do("unmount", scratch, unix.Unmount(scratch, unix.MNT_DETACH))
	}
	return m.err
}

func mountFlags(readOnly, noexec bool) (flags uintptr) {
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if noexec {
		flags |= unix.MS_NOEXEC
	}
	return flags
}

// home makes the home of a user, a file system of its own.
func (m *mounter) home(s Spec, u User) {
	m.mkdir(u.home(), 0o755, 0)
	m.mount("tmpfs", u.home(), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|mountFlags(false, s.HomeNoexec),
		fmt.Sprintf("mode=700,uid=%d,gid=%d,size=%d", u.UID, u.UID, s.HomeSize))
	for name, text := range s.HomeFiles {
		dir := u.home()
		for part := range strings.SplitSeq(filepath.Dir(name), "/") {
			dir = filepath.Join(dir, part)
			m.mkdir(dir, 0o700, u.UID)
		}
		if m.err == nil {
			path := filepath.Join(u.home(), name)
			m.do("write", path, errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chown(path, u.UID, u.UID)))
		}
	}
	if s.HomeReadOnly {
		m.mount("", u.home(), "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSUID|unix.MS_NODEV|mountFlags(true, s.HomeNoexec), "")
	}
}

// etc puts the host's own files over those of /etc.
func (m *mounter) etc(files map[string]string) {
	m.mount("tmpfs", "/etc/ssh", "tmpfs", 0, "mode=755")
	for name, text := range files {
		mode := fs.FileMode(0o644) // sshd reads authorized_keys as the user
		if name == "shadow" || name == "ssh/host_key" {
			mode = 0o600
		}
		if strings.HasPrefix(name, "ssh/") {
			m.write("/etc/"+name, text, mode, 0)
			continue
		}
		m.write(scratch+"/etc/"+name, text, mode, 0)
		m.mount(scratch+"/etc/"+name, "/etc/"+name, "", unix.MS_BIND, "")
	}
}

// programs hides some and replaces others: a read-only overlay on their folder, so that a hidden one is not there
// (a file bound over it would be "permission denied").
func (m *mounter) programs(s Spec) {
	layers := map[string]string{} // folder -> what lies over it
	over := func(name string) string {
		path := name
		if !filepath.IsAbs(name) {
			found, err := look(name)
			if err != nil {
				return "" // not there anyway
			}
			path = found
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		m.do("hide", path, err)
		if layers[dir] == "" {
			layers[dir] = fmt.Sprintf("%s/layer%d", scratch, len(layers))
			m.mkdir(layers[dir], 0o755, 0)
		}
		return filepath.Join(layers[dir], filepath.Base(path))
	}
	for name, text := range s.Programs {
		if !strings.Contains(name, "/") {
			if _, err := look(name); err != nil {
				name = "/usr/bin/" + name
			}
		}
		m.write(over(name), text, 0o755, 0)
	}
	for _, name := range s.Without {
		if path := over(name); path != "" {
			m.do("hide", name, unix.Mknod(path, unix.S_IFCHR, 0)) // a whiteout (overlayfs.rst)
		}
	}
	for dir, layer := range layers {
		m.mount("overlay", dir, "overlay", unix.MS_RDONLY, "lowerdir="+layer+":"+dir)
	}
}
