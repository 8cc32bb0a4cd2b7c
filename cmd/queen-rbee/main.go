// Command queen-rbee is the orchestrator. `queen-rbee daemon` serves many clients on a unix socket and on
// loopback until it is told to stop; a keeper starts `queen-rbee daemon --ephemeral` for one command and owns it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rbee/internal/fault"
	"rbee/internal/keepalive"
	"rbee/internal/near"
	"rbee/internal/proc"
	"rbee/internal/version"
)

const program = "queen-rbee"

const usage = `queen-rbee is rbee's orchestrator.

Usage:
  queen-rbee daemon [flags]    serve until SIGTERM, SIGINT or --idle-timeout
  queen-rbee --version

Flags of daemon:
`

func main() { os.Exit(run(os.Args[1:])) }

// options of `queen-rbee daemon`.
type options struct {
	socket    string
	ephemeral bool
	slots     int64
	keepAlive time.Duration
	grace     time.Duration
	drain     time.Duration
	idle      time.Duration
	lease     time.Duration
	stall     time.Duration
	load      time.Duration

	listen      []string
	cert, key   string
	requireKeys bool
	log, level  string
}

func run(args []string) int {
	var o options
	flags := pflag.NewFlagSet(program, pflag.ContinueOnError)
	flags.Usage = func() {}
	flags.SortFlags = false
	flags.StringVar(&o.socket, "socket", "", "`path` of the unix socket (RBEE_SOCKET; default in $XDG_RUNTIME_DIR, else $XDG_STATE_HOME)")
	flags.StringSliceVar(&o.listen, "listen", nil, "`address` of the API on TCP: HOST:PORT, a port of this machine, or none; may be repeated (RBEE_LISTEN; default "+defaultListen+")")
	flags.StringVar(&o.cert, "tls-cert", "", "PEM `file` of the certificate that --listen shows; read again when it changes")
	flags.StringVar(&o.key, "tls-key", "", "PEM `file` of its private key")
	flags.BoolVar(&o.requireKeys, "require-keys", false, "want an API key (rbee key) on loopback too; other addresses always do")
	flags.StringVar(&o.log, "log", toBoth, "log to stderr, to a file of the run, or to both")
	flags.StringVar(&o.level, "log-level", "", "debug, info, warn or error (default info)")
	flags.BoolVar(&o.ephemeral, "ephemeral", false, "end after one task, or 30s unused; found by nobody who is not told its --socket")
	flags.Int64Var(&o.slots, "slots", 4, "requests that one worker answers at the same time")
	o.keepAlive = 5 * time.Minute
	flags.Var(keepalive.Flag{Value: &o.keepAlive}, "keep-alive", "end a worker that was idle for so long; 0 = at once, -1 = never")
	flags.DurationVar(&o.grace, "grace", 5*time.Second, "time a worker has to stop before it is killed")
	flags.DurationVar(&o.drain, "drain", 30*time.Second, "time running requests have to finish when the daemon is told to stop")
	flags.DurationVar(&o.idle, "idle-timeout", 0, "stop after so long without a request; 0 = never")
	flags.DurationVar(&o.lease, "lease", 10*time.Second, "a process that is silent for so long is dead")
	flags.DurationVar(&o.stall, "stall", time.Minute, "a request without a token for so long is given up")
	flags.DurationVar(&o.load, "load-timeout", 5*time.Minute, "a model whose load makes no progress for so long is given up")
	showVersion := flags.Bool("version", false, "print the version")
	help := flags.BoolP("help", "h", false, "print this")
	err := flags.Parse(args)
	switch {
	case err != nil:
		if meant := near.Flag(flags, err); meant != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, meant)
		}
		return wrong(err)
	case *showVersion:
		fmt.Println(version.String(program))
		return 0
	case *help:
		fmt.Print(usage, flags.FlagUsages())
		return 0
	case flags.NArg() == 0:
		return wrong(errors.New("there is no command; did you mean queen-rbee daemon?"))
	case flags.Arg(0) != "daemon":
		err := fmt.Errorf("there is no command %q", flags.Arg(0))
		if near.Word(flags.Arg(0), "daemon") != "" {
			err = fmt.Errorf("%w; did you mean queen-rbee daemon?", err)
		}
		return wrong(err)
	case flags.NArg() > 1:
		return wrong(fmt.Errorf("daemon takes no arguments, but got %q", flags.Arg(1)))
	}
	if v := os.Getenv("RBEE_LISTEN"); v != "" && len(o.listen) == 0 {
		o.listen = strings.Split(v, ",")
	}
	if err := o.check(); err != nil {
		return wrong(err)
	}
	if os.Getenv(proc.EnvLife) != "" && o.ephemeral {
		return linked()
	}
	return report(daemon(context.Background(), o))
}

func (o options) check() error {
	switch {
	case o.slots < 1 || o.slots > 64:
		return fmt.Errorf("--slots is %d, allowed is 1 to 64", o.slots)
	case o.grace < 0 || o.grace > time.Hour:
		return fmt.Errorf("--grace is %v, allowed is 0 to 1h", o.grace)
	case o.drain < 0 || o.idle < 0:
		return errors.New("--drain and --idle-timeout cannot be negative")
	case o.lease < 500*time.Millisecond || o.lease > time.Hour:
		return fmt.Errorf("--lease is %v, allowed is 500ms to 1h", o.lease)
	case o.stall < time.Second:
		return fmt.Errorf("--stall is %v, allowed is 1s and more", o.stall)
	case o.load < time.Second:
		return fmt.Errorf("--load-timeout is %v, allowed is 1s and more", o.load)
	case (o.cert == "") != (o.key == ""):
		return errors.New("only one of --tls-cert and --tls-key is set, allowed is both or none")
	case o.log != toStderr && o.log != toFile && o.log != toBoth:
		return fmt.Errorf("--log is %q, allowed is stderr, file or both", o.log)
	case len(o.listen) > 16:
		return fmt.Errorf("--listen names %d addresses, allowed are 16", len(o.listen))
	}
	return knownLevel(o.level)
}

func wrong(err error) int {
	fmt.Fprintf(os.Stderr, "queen-rbee: %v\nsee queen-rbee --help\n", err)
	return 2
}

func report(code int, err error) int {
	if err != nil {
		f := fault.From(err)
		fmt.Fprintf(os.Stderr, "queen-rbee: %s: %s\n", f.Code, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(os.Stderr, "  %s\n", f.Hint)
		}
	}
	return code
}
