//go:build amd64 || arm64

package nativecrash

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rbee/internal/engine"
	"rbee/internal/engine/enginetest"
)

// The process that dies is the test binary itself, called with this word, an engine's script and a model file.
const victim = "native-crash-victim"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == victim {
		beVictim(os.Args[2], os.Args[3])
	}
	os.Exit(m.Run())
}

func beVictim(script, path string) {
	if err := Keep(); err != nil {
		fmt.Println(err)
		os.Exit(9)
	}
	var core unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
	fmt.Println("core", core.Cur)
	fmt.Println(dereference(nil))
	s, err := enginetest.Parse(script)
	if err == nil {
		_, err = enginetest.New(s).Load(context.Background(), engine.LoadOptions{Path: path})
	}
	fmt.Println("lives", err)
	os.Exit(8)
}

func dereference(p *int) (what any) {
	defer func() { what = recover() }()
	return *p
}

func TestACrashInNativeCodeIsADeathBySignalInSilence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]syscall.Signal{"crash=load": syscall.SIGSEGV, "abort=load": syscall.SIGABRT} {
		c := exec.Command(os.Args[0], victim, script, path)
		var said bytes.Buffer
		c.Stderr = &said
		out, _ := c.Output()
		st := c.ProcessState.Sys().(syscall.WaitStatus)
		if !st.Signaled() || st.Signal() != want || st.CoreDump() {
			t.Errorf("%s: ended with %v, want %v and no core dump", script, c.ProcessState, want)
		}
		if said.Len() > 0 {
			t.Errorf("%s: said %s", script, said.Bytes())
		}
		// Before that a nil pointer in Go code was the panic that it always is.
		if !strings.Contains(string(out), "core 1\n") || !strings.Contains(string(out), "nil pointer dereference") {
			t.Errorf("%s: printed %q", script, out)
		}
	}
}

func TestKeepTwiceKeepsGosOwnHandler(t *testing.T) {
	for range 2 {
		if err := Keep(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range signals {
		if goHandlers[s] == 0 || goHandlers[s] == handlerAddress() {
			t.Errorf("%v: %#x", s, goHandlers[s])
		}
	}
	if dereference(nil) == nil {
		t.Error("no panic")
	}
}
