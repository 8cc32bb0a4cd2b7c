package install

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rbee/internal/testkit"
)

// The line is dead and nobody says so: no end of stdin, no signal. All of it ends by its own clock.
func TestAnInstallationThatHearsNothingEndsByItself(t *testing.T) {
	b := small(t, "", 300<<10)
	packed, err := os.ReadFile(b.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range []string{"sh", "bash"} {
		t.Run(shell, func(t *testing.T) {
			dir := t.TempDir()
			c := exec.Command(shell, "-s", "0123", dir+"/cache", b.Folder(), b.ID, strconv.Itoa(b.Files), "2")
			c.Env = append(os.Environ(), "TMPDIR="+dir, "RBEE_RUN_ID="+filepath.Base(dir)+t.Name())
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(in, commonScript+installScript)
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != "rbee:0123 go" {
			}
			if _, err := in.Write(packed[:len(packed)/2]); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			var said []string
			for lines.Scan() { // to the end of all that holds its stdout
				said = append(said, lines.Text())
			}
			if took := time.Since(began); took < time.Second || took > 15*time.Second {
				t.Errorf("it ended after %v", took)
			}
			if !strings.Contains(strings.Join(said, " "), "fail unpack") {
				t.Errorf("it says %q", said)
			}
			_ = c.Wait()
			if left, err := testkit.WaitGone(10*time.Second, testkit.Below(dir)); err != nil || len(left) > 0 {
				t.Errorf("left: %v %v", left, err)
			}
			if left := stages(t, dir+"/cache"); left != nil {
				t.Errorf("left: %v", left)
			}
			in.Close()
		})
	}
}
