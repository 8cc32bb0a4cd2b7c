// Package sshconn makes every machine that `ssh NAME` reaches a node.
//
// [ResolveSSH] turns a name into a [Target], by the user's own OpenSSH configuration. [Dial] opens a connection to
// it, over jump hosts or a ProxyCommand where it says so, and gives a [Conn]: a remote.Conn whose commands are plain
// exec channels. Nothing is forwarded, no terminal is asked for, so a server with DisableForwarding will do.
//
// Trust. A host key is always verified, that of each jump host too, against the files OpenSSH uses;
// StrictHostKeyChecking cannot weaken it. A new key is refused until [Trust] wrote it down, a changed one always.
// What a server says is foreign: it is bounded, cleaned, and costs an error at worst.
//
// Time. One attempt to connect to a machine, from the first packet to the end of the authentication, ends after its
// ConnectTimeout; only while a human is asked for a passphrase or a touch the clock stands still. Attempts are
// repeated only when nobody answered.
//
// Ends. The library's channels block their reader and writer for as long as the far side likes, so each [Session]
// has buffers of its own: its Close gives up at once whatever the far side does, and [Conn.Close] closes the
// descriptors below, which frees everything else.
package sshconn
