package bench

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"rbee/internal/engine/enginetest"
	"rbee/internal/testbed"
)

// A token a link is measured by is the time at which it was made; one comes every tokenPause, which is longer than
// tokens gather, so that each travels alone.
const (
	tokenPause  = 10 * time.Millisecond
	tokensARun  = 50
	tokensFirst = 5 // of a run, which are not counted: the way is still being opened
)

func init() {
	roles["clock"] = func() int {
		for range tokensARun {
			time.Sleep(tokenPause)
			fmt.Print(" ", time.Now().UnixNano())
		}
		return 0
	}
}

// BenchmarkTokenThroughLink is the time from a token's making in the worker until `rbee infer` has written it to its
// stdout, p50 of all tokens of all runs: a worker on h1 against one on this machine, both warm, of one daemon. Beside it
// the same of OpenSSH's own client: a program that prints the time, through `ssh h1` against through a pipe. All four
// alternated. Goal: 0.5 ms added at most.
func BenchmarkTokenThroughLink(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	script := fmt.Sprintf("clock,rate=%d", time.Second/tokenPause)
	bed := hosts(b, 1, func(s *testbed.Spec) {
		s.SSHD = []string{"SetEnv " + enginetest.ScriptVariable + "=" + script}
		s.Share = []string{exe}
	})
	b.Setenv(enginetest.ScriptVariable, script)
	d := startDaemonOf(b, fake)
	for b.Loop() {
		all := samples{}
		for i := range *runs + 1 { // the first one starts the workers
			for name, c := range map[string]*exec.Cmd{
				"remote": keeper(d, "h1"), "local": keeper(d, "localhost"),
				"ssh": ssh(bed, "h1", "env", role+"=clock", exe), "pipe": exec.Command(exe),
			} {
				c.Env = append(os.Environ(), role+"=clock")
				took := latencies(b, c)
				if i > 0 {
					all[name] = append(all[name], took...)
				}
			}
		}
		all.report(b, "remote", "local", "ssh", "pipe")
		b.ReportMetric(all.at("remote", 99)-all.at("local", 99), "added-p99-ms")
		b.ReportMetric(all.ms("ssh")-all.ms("pipe"), "openssh-added-ms")
		added := all.ms("remote") - all.ms("local")
		b.ReportMetric(added, "added-ms")
		atMost(b, "token through the link, p50 added against localhost", "ms", 0.5, added)
	}
	b.ReportMetric(0, "ns/op")
}

func keeper(d *daemon, node string) *exec.Cmd {
	return exec.Command(bin+"/rbee", "infer", "-q", "--queen", d.socket, "--node", node, "--model", "demo", "--prompt", "x", "--ignore-eos",
		"--max-tokens", strconv.Itoa(tokensARun))
}

// latencies runs a command that prints the times at which it prints, and returns how old each is on arrival.
func latencies(b *testing.B, c *exec.Cmd) (all []time.Duration) {
	b.Helper()
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	defer c.Wait()
	const digits = 19
	r := bufio.NewReader(out)
	for len(all) < tokensARun {
		word := make([]byte, 1+digits)
		for n := range word { // a word is written at once: when its last byte is there it has just come
			if word[n], err = r.ReadByte(); err != nil {
				b.Fatalf("%v after %d words of %v", err, len(all), c.Args)
			}
		}
		now := time.Now().UnixNano()
		made, err := strconv.ParseInt(string(word[1:]), 10, 64)
		if err != nil {
			b.Fatalf("%q: %v", word, err)
		}
		all = append(all, time.Duration(now-made))
	}
	return all[tokensFirst:]
}
