// Command rbee is the keeper: the command line that people use.
//
// It is a thin client. `rbee infer` reads and checks its flags, finds a queen (a daemon's socket, or an ephemeral
// queen that it starts and owns), posts one request to its API, writes the answer to stdout and everything else to
// stderr, stops what it started, and says with its exit code what became of it:
//
//	0    answered, and every process of the run is gone
//	1    failed
//	2    wrong usage
//	3    answered, but a process of the run could not be proven gone
//	129  130  143   hang-up, Ctrl-C, SIGTERM
//	141  stdout was closed by its reader
package main

import (
	"context"
	"os"

	"rbee/internal/config"
)

func main() { os.Exit(run(os.Args[1:], wired())) }

// run is main without the process: parse, run, report, one exit code.
func run(args []string, p parts) int {
	t := &terminal{args: args, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	root := newRoot(t, p, config.New(os.Getenv))
	root.SetArgs(args)
	return t.exitCode(root.ExecuteContext(context.Background()))
}
