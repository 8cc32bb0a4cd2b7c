// Command rbee-hive manages one node: it finds models on its disk and runs a worker process for each that is
// wanted. It is started by a queen, on this machine or through SSH, and lives as long as its link to it.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"rbee/actors/hive"
	"rbee/deploy"
	"rbee/deploy/bundle"
	"rbee/internal/fit/here"
	"rbee/internal/lend"
	"rbee/internal/proc"
	"rbee/internal/runlog"
	"rbee/internal/telemetry"
	"rbee/internal/transport"
	"rbee/internal/version"
	"rbee/messages"
	"rbee/supervisor"
)

const program = "rbee-hive"

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "--version":
		fmt.Println(version.String(program))
	case len(os.Args) == 2 && os.Args[1] == "detect":
		os.Exit(detect())
	case len(os.Args) == 4 && os.Args[1] == "end":
		os.Exit(end(os.Args[2], os.Args[3]))
	case len(os.Args) > 1:
		os.Exit(help(os.Args[1:]))
	default:
		os.Exit(run())
	}
}

const usage = `rbee-hive manages one node. A queen starts it, and speaks to it through stdin and stdout; by hand it does this:

  rbee-hive detect           print what models can be loaded on here, and by what, as JSON
  rbee-hive end RUN LIFE     end what is left of a run on this machine
  rbee-hive --version
`

// help explains the program, and what is wrong with words that it does not know.
func help(args []string) int {
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Print(usage)
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: there is no command %q\n%s", program, args, usage)
	return 2
}

// notThere is what a shell answers for a program that is not there.
const notThere = 127

// run is a hive process from its first frame to its exit code.
func run() int {
	exe, _ := os.Executable()
	if bundle.Doubted(exe) {
		fmt.Fprintf(os.Stderr, "%s: something of this installation did not run; it is to be looked at before it is used again\n", program)
		return notThere
	}
	self, err := supervisor.Adopt()
	if err != nil {
		return failed(err)
	}
	_ = proc.BecomeSubreaper() // without it a grandchild that escaped everything else is found by its environment
	b := self.Boot
	tel := telemetry.Start(telemetry.Options{Service: program, Enabled: b.GetTracing(), Traceparent: b.GetTraceparent(), Follow: true})
	files := newModels(b.GetHive().GetLocal())
	node := newMachine(b.GetHive().GetLocal())
	cfg := hive.Config{
		Hive: b.GetHive(), Address: b.GetAddress(), Run: b.GetRunId(), Root: root(), Lease: self.Lease(),
		Resolve: files.find, Get: files.get, Look: files.look, Fetchable: files.fetchable, Disk: files.disk, Free: here.FreeMemory, Engine: node.engine,
		Devices: node.devices, Lacking: node.lacking, CPU: here.CPU(), Cores: func() int64 { return int64(here.Cores()) },
		Doubt:   func() { bundle.Doubt(exe) },
		Spawner: supervisor.Local{}, Tracer: tel.Tracer(), Tracing: b.GetTracing(),
		Log:    func(worker, line string) { fmt.Fprintln(os.Stderr, runlog.Tag(worker, line)) },
		Ingest: func(otlp []byte) { _ = tel.Ingest(otlp) }, // spans that are none are a worker's fault, and lost
	}
	pre := hive.Prestart(tel.Context(context.Background()), cfg) // before anything that takes time
	ep, err := transport.NewEndpoint(b.GetAddress(), transport.Options{Refused: func(from, why string) {
		fmt.Fprintf(os.Stderr, "refused from %s: %s\n", from, why)
	}})
	if err != nil {
		return failed(err)
	}
	files.queen = lend.NewClient(func() (net.Conn, error) { return ep.Open(b.GetOwnerAddress(), transport.ServiceLoans) })
	done := make(chan *messages.Stopped, 1)
	pid, err := hive.Spawn(hive.Options{Config: cfg, Endpoint: ep, Tell: self.Tell, Spans: tel.Drain, Pre: pre,
		Done: func(m *messages.Stopped) { done <- m }})
	if err == nil {
		err = self.Join(ep)
	}
	if err != nil {
		return failed(err)
	}
	ep.System.Root.Send(pid, hive.Begin{})
	return self.Live(done, func(s os.Signal) { ep.System.Root.Send(pid, hive.Stop{Cause: s.String()}) })
}

// failed ends a hive that has not come up; workers it may have started end with it.
func failed(err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
	proc.KillAll()
	return 1
}

// root is the root of the run on this machine: on another one than the queen's it is the hive itself.
func root() string {
	if r := os.Getenv(proc.EnvRoot); r != "" {
		return r
	}
	return proc.Self().String()
}

// endTime bounds the KILLs of one end.
const endTime = 2 * time.Second

// end is a command for queens that have lost the way to a hive, or seen it die: it ends what is left of that run on
// this machine, at or below that life, by identity, and says what it could not end.
func end(run, life string) int {
	if err := transport.CheckAddress(life); err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	left := supervisor.Sweep(ctx, run, life)
	fmt.Print(deploy.FormatLeft(left))
	return 0
}
