package enginetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/nativecrash"
	"rbee/internal/testkit"
)

// The process that is harmed is the test binary itself, called with this word and a model file.
const victim = "fake-engine-victim"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == victim {
		os.Exit(beVictim(os.Args[2]))
	}
	testkit.VerifyNoLeaks(m.Run(), time.Second, goleak.IgnoreAnyFunction("rbee/internal/engine/enginetest.Script.meet")) // a hang is one
}

// beVictim loads and answers as the environment says, naming each stage on standard output.
func beVictim(path string) int {
	if err := nativecrash.Keep(); err != nil {
		fmt.Println(err)
		return 2
	}
	script, err := FromEnv()
	if err != nil {
		fmt.Println(err)
		return 2
	}
	m, err := New(script).Load(context.Background(), engine.LoadOptions{Path: path})
	if err != nil {
		fmt.Println("load:", fault.CodeOf(err))
		return 1
	}
	fmt.Println("loaded")
	_, err = m.Generate(context.Background(), engine.Request{Prompt: "hello"}, func(e engine.Event) error {
		if e.Prefill == nil {
			fmt.Println("token")
		}
		return nil
	})
	if err != nil {
		fmt.Println("generate:", fault.CodeOf(err))
		return 1
	}
	if err := m.Close(); err != nil {
		return 1
	}
	fmt.Println("closed")
	return 0
}

func victimCommand(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], victim, path)
	cmd.Env = append(os.Environ(), ScriptVariable+"="+script)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestHarmIsDoneWhereTheScriptSays(t *testing.T) {
	for _, c := range []struct {
		script, lines string // what is said before it
		exit          int    // -1 = a signal
		signal        syscall.Signal
	}{
		{"tokens=2", "loaded token token closed", 0, 0},
		{"tokens=2,exit=load", "", ExitCode, 0},
		{"tokens=2,exit=prefill", "loaded", ExitCode, 0},
		{"tokens=5,exit=decode@3", "loaded token token token", ExitCode, 0},
		{"tokens=1,exit=close", "loaded token", ExitCode, 0},
		{"tokens=5,crash=decode@1", "loaded token", -1, syscall.SIGSEGV},
		{"crash=load", "", -1, syscall.SIGSEGV},
		{"abort=decode", "loaded", -1, syscall.SIGABRT},
		{"fail=load,code=INSUFFICIENT_MEMORY", "load: INSUFFICIENT_MEMORY", 1, 0},
		{"fail=decode@2,tokens=9", "loaded token token generate: INTERNAL", 1, 0},
		{"tokens=1,garbage=prefill", "loaded ggml_fake: this line is on standard output, where no library should write \x00\xff token closed", 0, 0},
	} {
		t.Run(c.script, func(t *testing.T) {
			cmd := victimCommand(t, c.script)
			out, _ := cmd.Output()
			if got := strings.Join(strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), " "); got != c.lines {
				t.Errorf("said %q, want %q", got, c.lines)
			}
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if cmd.ProcessState.ExitCode() != c.exit || c.signal != 0 && status.Signal() != c.signal {
				t.Errorf("ended with %v, want exit %d, signal %v", cmd.ProcessState, c.exit, c.signal)
			}
		})
	}
}

func TestHarmOnlyOnceLeavesTheNextProcessHealthy(t *testing.T) {
	script := "tokens=1,exit=decode,once=" + filepath.Join(t.TempDir(), "done")
	for i, want := range []int{ExitCode, 0, 0} {
		cmd := victimCommand(t, script)
		cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("process %d exited with %d, want %d", i, got, want)
		}
	}
}

// A hang must survive everything but SIGKILL of the process: a cancel cannot end it.
func TestHangIsDeafToItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := victimCommand(t, "hang=decode@2")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 3 {
		if !lines.Scan() {
			t.Fatal("it ended by itself")
		}
	}
	cmd.Process.Kill()
	if lines.Scan() {
		t.Errorf("after the point where it hangs it said %q", lines.Text())
	}
	cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v, want the kill", cmd.ProcessState)
	}

	script, err := Parse("hang=decode@1")
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(script).Load(context.Background(), engine.LoadOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	first := make(chan struct{})
	go func() { // left behind on purpose: that is what hanging means
		_, err := m.Generate(ctx, engine.Request{Prompt: "x"}, func(e engine.Event) error {
			if e.Prefill == nil {
				close(first)
			}
			return nil
		})
		ended <- err
	}()
	<-first
	cancel()
	// Everything that could end it has been told; whoever obeys a context returns without being waited for.
	healthy := New(Script{})
	h, err := healthy.Load(context.Background(), engine.LoadOptions{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	generate(ctx, h, engine.Request{Prompt: "x"}, nil)
	select {
	case err := <-ended:
		t.Errorf("it obeyed: %v", err)
	default:
	}
}
