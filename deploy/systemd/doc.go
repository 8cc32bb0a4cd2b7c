// Package systemd holds unit files for a daemon: rbee.service for a machine, rbee-user.service for one user. It has no
// code; its tests hold the files to what systemd and queen-rbee understand.
package systemd
