package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"rbee/internal/proc"
	"rbee/internal/transport"
	"rbee/internal/version"
	"rbee/messages"
)

// envChild makes this test binary one of the children below, or an owner of one.
const envChild = "RBEE_TEST_CHILD"

// manners is how a child behaves that gets as far as Hello. The zero value is a good one.
type manners struct {
	before   func()                   // Ready
	after    func(*Self)              // Ready
	onSync   func()                   // its owner has seen Ready by then
	hung     bool                     // its mailbox stands still
	deaf     bool                     // to Shutdown
	silent   bool                     // acknowledges, but never reports
	lingers  bool                     // reports, and stays
	onSignal func(os.Signal)          // default: ignore it
	below    []*messages.ProcessEnd   // its Inventory
	ends     func() *messages.Stopped // its report
}

// children is everything that a child process can do to its owner.
var children = map[string]func() int{
	"good":    func() int { return run(manners{}) },
	"chatty":  func() int { return run(manners{after: func(s *Self) { s.Tell(&messages.Loading{Progress: 0.5}) }}) },
	"hung":    func() int { return run(manners{hung: true}) },
	"deaf":    func() int { return run(manners{deaf: true}) },
	"waiting": func() int { return run(manners{deaf: true, onSignal: func(os.Signal) { os.Exit(7) }}) },
	"silent": func() int {
		return run(manners{silent: true, onSignal: func(s os.Signal) { fmt.Fprintln(os.Stderr, "got", s) }})
	},
	"lingers": func() int { return run(manners{lingers: true}) },
	"leaves":  func() int { return run(manners{after: func(s *Self) { os.Exit(leave(s)) }}) },
	"parent": func() int {
		return run(manners{below: []*messages.ProcessEnd{{Name: "grandchild", Pid: 1 << 30, Host: hostname()}}})
	},
	"parent-far": func() int {
		return run(manners{below: []*messages.ProcessEnd{{Name: "grandchild", Pid: 1 << 30, Host: "elsewhere"}}})
	},
	"reporter": func() int {
		return run(manners{ends: func() *messages.Stopped {
			return &messages.Stopped{Processes: []*messages.ProcessEnd{{Name: "grandchild", Cause: "stopped"}}}
		}})
	},
	"grandchild": func() int {
		return run(manners{before: func() {
			c := exec.Command("sleep", "300")
			c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := c.Start(); err != nil {
				panic(err)
			}
		}})
	},
	"crashes":     func() int { return run(manners{onSync: func() { raise(syscall.SIGSEGV) }}) },
	"killed":      func() int { return run(manners{onSync: func() { raise(syscall.SIGKILL) }}) },
	"frozen":      func() int { return run(manners{onSync: func() { raise(syscall.SIGSTOP) }}) },
	"half-frozen": func() int { return run(manners{before: func() { raise(syscall.SIGSTOP) }}) },
	"slow":        func() int { return run(manners{before: waitForOwner}) },
	"polite-noise": func() int {
		os.Stdout.WriteString(strings.Repeat("welcome\n", transport.MaxNoise/8-1) + "\x00rbee-li")
		return run(manners{})
	},
	"loud": func() int {
		os.Stdout.Write(bytes.Repeat([]byte("noise "), transport.MaxNoise))
		return forever()
	},
	"mute": forever,
	"hangs-up": func() int {
		stream, err := proc.TakeStdio()
		if err != nil {
			panic(err)
		}
		stream.Close()
		return forever()
	},
	"frozen-early": func() int { raise(syscall.SIGSTOP); return 0 },
	"exits": func() int {
		fmt.Fprintln(os.Stderr, "cannot open \x1b[31mthe model\x00")
		return 3
	},
	"other-build": func() int { return hello(&messages.Hello{Version: "0.0.0+other", Pid: 1}, "") },
	"wrong-nonce": func() int { return hello(&messages.Hello{Version: version.Build()}, "0123456789abcdef") },
	"owner":       own,
}

func forever() int {
	for { // not select {}: the runtime would call that a deadlock and exit
		time.Sleep(time.Hour)
	}
}

func raise(s syscall.Signal) { _ = syscall.Kill(os.Getpid(), s) }

// waitForOwner returns when the test says so, by a signal.
func waitForOwner() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	fmt.Fprintln(os.Stderr, "waiting")
	<-c
}

func leave(s *Self) int {
	s.Leave(&messages.Stopped{})
	return 0
}

// hello answers Boot by hand, with another nonce than Boot's if one is given.
func hello(h *messages.Hello, nonce string) int {
	stream, err := proc.TakeStdio()
	if err != nil {
		panic(err)
	}
	var b messages.Boot
	if _, err := transport.ReadFrame(stream, "", &b); err != nil {
		panic(err)
	}
	if nonce == "" {
		nonce = b.GetNonce()
	}
	if err := transport.WriteFrame(stream, nonce, h); err != nil {
		panic(err)
	}
	return forever()
}

func run(m manners) int {
	self, err := Adopt()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ep, err := transport.NewEndpoint(self.Boot.GetAddress(), transport.Options{})
	if err != nil {
		panic(err)
	}
	if m.before != nil {
		m.before()
	}
	done := make(chan *messages.Stopped, 1)
	root := func(c actor.Context) {
		switch r := c.Message().(type) {
		case *messages.Sync:
			if m.onSync != nil {
				m.onSync()
			}
			if !m.hung {
				self.Tell(&messages.SyncReply{Number: r.GetNumber()})
			}
		case *messages.Shutdown:
			m.stop(self, done)
		}
	}
	if _, err := ep.System.Root.SpawnNamed(actor.PropsFromFunc(root), transport.RootID); err != nil {
		panic(err)
	}
	if err := self.Join(ep); err != nil {
		panic(err)
	}
	if m.below != nil {
		self.Tell(&messages.Inventory{Processes: below(self, m.below)})
	}
	self.Tell(&messages.Ready{})
	if m.after != nil {
		m.after(self)
	}
	if m.lingers {
		return forever()
	}
	return self.Live(done, func(s os.Signal) {
		if m.onSignal != nil {
			m.onSignal(s)
		}
	})
}

func (m manners) stop(self *Self, done chan<- *messages.Stopped) {
	if m.deaf {
		return
	}
	self.Tell(&messages.Stopping{})
	switch {
	case m.silent:
	case m.lingers:
		self.Tell(&messages.Stopped{})
	case m.ends != nil:
		r := m.ends()
		r.Processes = below(self, r.Processes)
		done <- r
	default:
		done <- &messages.Stopped{}
	}
}

// below gives processes an address that is the child's to speak for.
func below(self *Self, all []*messages.ProcessEnd) []*messages.ProcessEnd {
	for i, e := range all {
		e.Address = transport.Join(self.Boot.GetAddress(), "grandchild", i+1)
	}
	return all
}

// own is an owner whose end is the test's subject: it starts the child that its first argument names.
func own() int {
	ep, err := transport.NewEndpoint("queen.1", transport.Options{})
	if err != nil {
		panic(err)
	}
	root := func(c actor.Context) {
		if _, ok := c.Message().(LinkUp); ok {
			fmt.Fprintln(os.Stderr, "up")
		}
	}
	pid, err := ep.System.Root.SpawnNamed(actor.PropsFromFunc(root), transport.RootID)
	if err != nil {
		panic(err)
	}
	l, err := Launch(spec("queen.1", os.Getenv(proc.EnvRun), os.Args[1]))
	if err != nil {
		panic(err)
	}
	l.Attach(ep, pid)
	return forever()
}
