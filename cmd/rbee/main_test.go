package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if os.Getenv("RBEE_TEST_MAIN") != "" { // re-executed by a test that is no script
		os.Exit(run(os.Args[1:], testParts()))
	}
	testscript.Main(m, map[string]func(){
		"rbee": func() { os.Exit(run(os.Args[1:], testParts())) },
	})
}

// The scripts in testdata/script are the manual: each shows one behaviour of the command line. Besides testscript's
// own commands they have:
//
//	daemon ANSWER [BUILD [PATH]]
//	                        a daemon answers with that scenario, and a worker has that model; RBEE_SOCKET points to it
//	nodaemon                it dies
//	cancelled               the daemon's last request was cancelled, or will be within 5 s
//	exits CODE [-signal SIG[,SIG]] [-head N] COMMAND...
//	                        run it to its exit code; out and err are its output. With -signal, each signal is sent
//	                        when stdout has something new (the second: when stderr has said "cancelling"). With
//	                        -head, stdout is closed after N bytes.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			for _, v := range variables[3:] {
				e.Setenv(v, "")
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon":    cmdDaemon,
			"nodaemon":  func(ts *testscript.TestScript, _ bool, _ []string) { daemonOf(ts).close() },
			"cancelled": cmdCancelled,
			"exits":     cmdExits,
		},
	})
}

// variables of the environment that the command may look at; all but the first three are empty unless a script sets
// them.
var variables = []string{"PATH", "HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
	"RBEE_CONFIG", "RBEE_SOCKET", "RBEE_QUEEN", "RBEE_LEASE", "RBEE_MODELS_DIR", "RBEE_ENGINE_DIR", "RBEE_TEST_QUEEN", "RBEE_TEST_LEFT", "RBEE_TEST_NODES", "TRACEPARENT"}

var daemons sync.Map // by script

func cmdDaemon(ts *testscript.TestScript, _ bool, args []string) {
	args = append(args, "", "")
	d, err := startDaemon(args[0], args[1], args[2])
	ts.Check(err)
	ts.Defer(d.close)
	ts.Setenv("RBEE_SOCKET", d.socket())
	daemons.Store(ts.Name(), d)
}

func daemonOf(ts *testscript.TestScript) *testDaemon {
	d, ok := daemons.Load(ts.Name())
	if !ok {
		ts.Fatalf("no daemon was started")
	}
	return d.(*testDaemon)
}

func cmdCancelled(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-daemonOf(ts).last().Cancelled:
	case <-time.After(5 * time.Second):
		ts.Fatalf("the request goes on")
	}
}

// cmdExits runs a command to its exit code, and disturbs it.
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	args = args[1:]
	var signals []string
	head := -1
	for len(args) > 2 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-signal":
			signals = strings.Split(args[1], ",")
		case "-head":
			head, err = strconv.Atoi(args[1])
			ts.Check(err)
		}
		args = args[2:]
	}
	path := args[0]
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(filepath.Join(dir, args[0])); err == nil {
			path = filepath.Join(dir, args[0])
			break
		}
	}
	c := exec.Command(path, args[1:]...)
	c.Dir = ts.MkAbs(".")
	for _, v := range variables {
		c.Env = append(c.Env, v+"="+ts.Getenv(v))
	}
	stdout, err := c.StdoutPipe()
	ts.Check(err)
	stderr, err := c.StderrPipe()
	ts.Check(err)
	ts.Check(c.Start())
	watchdog := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
	defer watchdog.Stop()

	var out, errs []byte
	outDone, errDone := make(chan struct{}), make(chan struct{})
	cancelling := make(chan struct{})
	go func() {
		defer close(errDone)
		buf := make([]byte, 4096)
		said := false
		for {
			n, err := stderr.Read(buf)
			errs = append(errs, buf[:n]...)
			if !said && strings.Contains(string(errs), "cancelling") {
				said = true
				close(cancelling)
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer close(outDone)
		if head >= 0 {
			out = make([]byte, head)
			n, _ := io.ReadFull(stdout, out)
			out = out[:n]
			stdout.Close()
			return
		}
		if len(signals) > 0 {
			first := make([]byte, 1)
			n, _ := io.ReadFull(stdout, first)
			out = append(out, first[:n]...)
			send(ts, c, signals[0])
		}
		rest, _ := io.ReadAll(stdout)
		out = append(out, rest...)
	}()
	if len(signals) > 1 {
		<-cancelling
		send(ts, c, signals[1])
	}
	<-outDone
	<-errDone
	err = c.Wait()
	ts.Check(os.WriteFile(ts.MkAbs("out"), out, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("err"), errs, 0o600))
	ts.Logf("[stdout]\n%.2000s\n[stderr]\n%s", out, errs)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if got := c.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d (%v), want %d", got, c.ProcessState, want)
	}
}

func send(ts *testscript.TestScript, c *exec.Cmd, name string) {
	s, ok := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}[name]
	if !ok {
		ts.Fatalf("no signal %s", name)
	}
	_ = c.Process.Signal(s)
}
