package nodetest

import (
	"os"
	"strings"
	"testing"

	"rbee/internal/testbed"
	"rbee/internal/testkit/treekit"
)

// The README's examples that need a machine called mac, with one of the bed.
func TestTreeTheREADMEsCommandsForANewMachineWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	b := hosts(t, testbed.Spec{Name: "mac"})
	fingerprint, err := b.Host("mac").Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, e := range treekit.Examples(t, string(text)) {
		if !strings.Contains(e.Where, "called mac") {
			continue
		}
		for i, c := range e.Commands {
			e.Commands[i] = strings.ReplaceAll(c, "SHA256:...", fingerprint)
			for j, line := range e.Prints[i] {
				e.Prints[i][j] = strings.ReplaceAll(line, " bee@", " "+b.Host("mac").User+"@")
			}
		}
		w := newWorld(t, b, programs.Real)
		w.write(".ssh/config", "Host *\n\tUserKnownHostsFile "+w.known()+"\nInclude "+b.SSHConfig+"\n")
		e.Run(t, w.dir, w.bin)
		ran++
	}
	if ran == 0 {
		t.Fatal("the README has none")
	}
	bare(t, b.Host("mac"))
}
