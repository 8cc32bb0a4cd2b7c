// Command rbee-hive manages one node: it finds models on its disk and runs a worker process for each that is
// wanted. It is started by a queen, on this machine or through SSH, and lives as long as its link to it.
package main

import (
	"context"
	"fmt"
	"os"

	"rbee/actors/hive"
	"rbee/deploy"
	"rbee/internal/models"
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
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(version.String(program))
		return
	}
	os.Exit(run())
}

// run is a hive process from its first frame to its exit code.
func run() int {
	self, err := supervisor.Adopt()
	if err != nil {
		return failed(err)
	}
	_ = proc.BecomeSubreaper() // without it a grandchild that escaped everything else is found by its environment
	b := self.Boot
	tel := telemetry.Start(telemetry.Options{Service: program, Enabled: b.GetTracing(), Traceparent: b.GetTraceparent(), Follow: true})
	cfg := hive.Config{
		Hive: b.GetHive(), Address: b.GetAddress(), Run: b.GetRunId(), Root: os.Getenv(proc.EnvRoot), Lease: self.Lease(),
		Resolve: resolver(b.GetHive().GetNode()),
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

// resolver finds models on this node's disk. A relative path is the caller's, and counts only on its own machine.
func resolver(node string) func(context.Context, *messages.ModelRef) (hive.Found, error) {
	return func(ctx context.Context, m *messages.ModelRef) (hive.Found, error) {
		found, err := models.Resolve(ctx, m.GetRef(), models.Env{CWD: m.GetCwd(), ModelsDir: m.GetModelsDir(), Local: deploy.IsLocal(node), Getenv: os.Getenv})
		if err != nil {
			return hive.Found{}, err
		}
		return hive.Found{Ref: found.Ref, Name: found.Name, Path: found.Path, Size: found.Size}, nil
	}
}
