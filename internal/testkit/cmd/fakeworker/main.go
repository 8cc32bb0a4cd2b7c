// Command fakeworker is llm-worker-rbee with an engine that does as badly as native code can: what goes wrong is
// told by RBEE_FAKE_ENGINE (package enginetest), and by RBEE_FAKE_WORKER, a list of:
//
//	garbage      print to stdout before the handshake
//	deaf         ignore SIGTERM
//	grandchild   leave a process in a session of its own that holds every descriptor
//	crash-detect die when asked for devices, as a driver may
//	tell-engine  say on stderr which engine folder it was given
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"rbee/actors/worker"
	"rbee/internal/engine"
	"rbee/internal/engine/enginetest"
	"rbee/messages"
)

func main() {
	for what := range strings.SplitSeq(os.Getenv("RBEE_FAKE_WORKER"), ",") {
		switch what {
		case "garbage":
			fmt.Println("ggml_init: found 1 device\x00\x01 rubbish")
		case "deaf":
			signal.Ignore(syscall.SIGTERM)
		case "grandchild":
			grandchild()
		}
	}
	if len(os.Args) == 2 && os.Args[1] == "detect" {
		if has("crash-detect") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		detect()
		return
	}
	os.Exit(worker.Run("llm-worker-rbee", open))
}

func has(what string) bool {
	return slices.Contains(strings.Split(os.Getenv("RBEE_FAKE_WORKER"), ","), what)
}

func open(c *messages.WorkerConfig) (engine.Engine, error) {
	if has("tell-engine") {
		fmt.Fprintln(os.Stderr, "engine "+c.GetEngineDir())
	}
	s, err := enginetest.FromEnv()
	if err != nil {
		return nil, err
	}
	return enginetest.New(s), nil
}

// detect lists the script's devices, as the real one lists the machine's.
func detect() {
	e, err := open(nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	devices, _ := e.Devices()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"devices": devices})
}

func grandchild() {
	c := exec.Command("sleep", "300")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "no grandchild:", err)
		os.Exit(1)
	}
}
