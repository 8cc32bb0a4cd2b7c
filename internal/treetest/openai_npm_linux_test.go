//go:build e2e

package treetest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// npmClient is OpenAI's client for JavaScript. It comes from the registry, so this runs with make e2e only.
const npmClient = "openai@7.57.0"

// TestTreeOpenAIForJavaScript runs testdata/openai.mjs against a daemon on loopback.
func TestTreeOpenAIForJavaScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script, err := os.ReadFile("testdata/openai.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "openai.mjs"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
		defer stop()
		c := exec.CommandContext(ctx, name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "npm_config_cache="+filepath.Join(dir, "cache"), "npm_config_update_notifier=false")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", npmClient)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	d := startDaemon(t, real, []string{"RBEE_LEASE="}, "--listen", at)
	out := run("node", "openai.mjs", "http://"+at+"/v1")
	if !strings.HasSuffix(out, "ok abort\n") {
		t.Errorf("it stopped early:\n%s", out)
	}
	d.stop(0)
}
