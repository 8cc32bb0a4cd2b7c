// Package proc starts, knows, and ends operating system processes so that none is ever lost.
//
// Identity. A process is a pid *and* its start time ([Identity]); a pid alone may belong to somebody else by the
// time it is used. Nothing is found or ended by name.
//
// Birth. [Start] puts every child into a process group of its own, on a byte stream made of its stdin and stdout,
// with its stderr on a pipe of its own. All starts happen on one operating system thread that never ends, because
// the parent-death signal (Linux) fires when the forking *thread* ends.
//
// Death. A child's end is seen while it is still a zombie, so that its pid cannot have been reused: only then its
// whole group is killed, and only then it is reaped. A grandchild that left the group is adopted by the nearest
// [BecomeSubreaper] ancestor and ended by [EndStrays]; one that escaped even that still carries RBEE_LIFE in its
// environment and is found by [Find]. On macOS, which has none of these three, the limit is the process group.
package proc
