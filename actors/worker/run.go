package worker

import (
	"context"
	"fmt"
	"os"

	"rbee/internal/engine"
	"rbee/internal/nativecrash"
	"rbee/internal/telemetry"
	"rbee/internal/transport"
	"rbee/messages"
	"rbee/supervisor"
)

// Run is a worker process with that engine, from its first frame to its exit code.
func Run(program string, open func(*messages.WorkerConfig) (engine.Engine, error)) int {
	if err := nativecrash.Keep(); err != nil { // a crash is then an exit status, no more
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
	}
	self, err := supervisor.Adopt()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		return 1
	}
	cfg := self.Boot.GetWorker()
	tel := telemetry.Start(telemetry.Options{Service: program, Enabled: self.Boot.GetTracing(), Traceparent: self.Boot.GetTraceparent(), Follow: true})
	load := Load(tel.Context(context.Background()), func() (engine.Engine, error) { return open(cfg) }, cfg, tel.Tracer())
	ep, err := transport.NewEndpoint(self.Boot.GetAddress(), transport.Options{Refused: func(from, why string) {
		fmt.Fprintf(os.Stderr, "refused from %s: %s\n", from, why)
	}})
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		return 1
	}
	done := make(chan *messages.Stopped, 1)
	pid, err := Spawn(Config{Endpoint: ep, Tell: self.Tell, Load: load, Config: cfg, Tracer: tel.Tracer(), Spans: tel.Drain,
		Done: func(m *messages.Stopped) { done <- m }})
	if err == nil {
		err = self.Join(ep)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		return 1
	}
	ep.System.Root.Send(pid, Begin{})
	return self.Live(done, func(s os.Signal) { ep.System.Root.Send(pid, Stop{Cause: s.String()}) })
}
