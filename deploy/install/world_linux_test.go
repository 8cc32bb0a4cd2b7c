package install

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// world is a node with a mount namespace of its own: its home is /mnt, and /var/tmp and /tmp are its own too. All of it
// is gone when its holder ends.
func world(t testing.TB, shell string, env ...string) *local {
	t.Helper()
	c := node(t, shell, env...)
	how := []string{"-m"}
	if os.Geteuid() != 0 {
		how = []string{"-r", "-m"}
	}
	script := fmt.Sprintf("set -e; mount --bind %s /mnt; mount -t tmpfs -o mode=1777 none /var/tmp; mount -t tmpfs -o mode=1777 none /tmp; echo ready; read end", c.home)
	holder := exec.Command("unshare", append(how, "--propagation", "private", "sh", "-c", script)...)
	holder.Stderr = os.Stderr
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() { in.Close(); holder.Wait() })
	if line != "ready\n" {
		t.Skip("left out, since it needs root: mounts of its own")
	}
	c.ns = []string{"nsenter", "-t", fmt.Sprint(holder.Process.Pid), "-m", "env", "-C", "/mnt"}
	if os.Geteuid() != 0 {
		c.ns = append(c.ns[:3:3], append([]string{"-U", "--preserve-credentials"}, c.ns[3:]...)...)
	}
	c.set("HOME", "/mnt")
	return c
}

// do runs a script in the node's world.
func (c *local) do(t testing.TB, script string) string {
	t.Helper()
	cmd := exec.Command(c.ns[0], append(c.ns[1:len(c.ns):len(c.ns)], "sh", "-e", "-c", script)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}
