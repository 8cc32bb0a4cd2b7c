// Package supervisor is the Erlang part: an actor that owns a child *process*, speaks to the actor system inside
// it, and neither outlives it nor is outlived by it. Keeper > queen, queen > hive and hive > worker are all this
// one thing, the link.
//
// A link has two ends. The owner's end is [Launch], which starts the process, and the link actor behind [Link],
// whose life cycle is the table in link_machine.go. The child's end is [Adopt].
//
//	owner                                       child
//	Launch: exec, Boot           ------------>  Adopt: take stdio, read Boot
//	read noise, Hello            <------------  Hello (pid, version)
//	LinkUp                       <-- Ready ---  its root actor takes messages
//	Sync every third of a lease  <----------->  SyncReply: the mailbox moves
//	Shutdown                     ------------>  Stopping at once; ends what is below; Stopped (report)
//	close the stream             ------------>  exit
//
// How a child is stopped: Shutdown, then SIGTERM if it was not acknowledged, then SIGKILL to its group when the
// budget is over, then a sweep by identity. A link reports its child as gone only when the kernel said so.
//
// When the owner is gone (end of the stream, lease over) a child kills what is below it, sweeps, and exits.
package supervisor
