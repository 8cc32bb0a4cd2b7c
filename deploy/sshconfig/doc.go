// Package sshconfig answers what `ssh NAME` would do: it reads OpenSSH's client configuration by OpenSSH's own rules.
//
// [Load] walks the files once, in order, with the name in hand; the first value of a keyword wins, but IdentityFile
// and CertificateFile add up. Host and Match blocks decide whether the lines below them count; Include stands for
// the lines of other files, and counts only where it stands. "Match final" and "Match canonical" make a second walk,
// which fills in what the first left open. A keyword nobody asks for is skipped, so a file written for a newer
// OpenSSH is no error; what cannot be answered as OpenSSH would is an error that names the line.
//
// The known library for these files (kevinburke/ssh_config 1.6.0) is not used: it cuts values at any '#', splits
// patterns at single spaces only, takes '?' as "at most one character", knows two criteria of Match, has the home
// folder built in, and keeps no line numbers. A test holds this package against `ssh -G`.
package sshconfig
