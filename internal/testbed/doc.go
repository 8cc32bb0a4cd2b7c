// Package testbed makes whole machines out of one: hosts that a program reaches by ssh, and that can be killed,
// frozen, cut off and slowed down while a test looks at them from outside.
//
// A host is a process of the test binary in namespaces of its own (network, pid, mount, uts, ipc): its init. It has
// an address, a host name, a /proc, users, homes, and a real OpenSSH server on port 22; its root file system is this
// machine's, read-only, with private /tmp, /var/tmp, /run, /home and /root. Hosts hang on a bridge in a network
// namespace that only the bed knows; a veth leg leads from it to the test process, so that whatever a test starts
// can dial them.
//
//	bed := testbed.New(t, testbed.Spec{}, testbed.Spec{Shell: "/bin/csh", Jump: "h1"})
//	err := bed.Start(exec.Command("ssh", "-F", bed.SSHConfig, "h2", "sleep 1000"))
//	err = bed.Host("h2").Cut(testbed.DropBoth)
//	left, err := bed.Host("h2").WaitGone(4*time.Second, testbed.Named("hive"))
//
// # What dies when
//
// No namespace has a name, so none outlives those who use it. Inits get SIGKILL with the thread that started them
// and leave at the end of their control socket, which are the test process's two ways to end; the kernel then kills
// every process of the host and takes down its mounts, filters and interfaces. The bridge's namespace is held by a
// descriptor of the test process. What a test starts on its own side hears nothing of that, so [Bed.Start] starts it
// to die as well. Nothing is left to remove but files below the test's temporary folder; what still
// lives of a bed whose owner is dead is ended by the next [New].
//
// # Without root
//
// The same specs become sshd processes of the current user on loopback ports, with homes, login shells, variables and
// programs as asked for. What they cannot do returns
// [ErrNeedsRoot], and the bed's end says what was left out; [Bed.Caps] lets a test say so itself.
//
// The package exists on Linux only.
package testbed
