package nodetest

import (
	"os"
	"testing"
	"time"

	"rbee/internal/testbed"
)

// What the network does when nobody is told: the last process on the node is gone a lease after that, and a second.
func TestFaultANodeThatIsCutOffIsEmptyASecondAfterItsLease(t *testing.T) {
	t.Parallel()
	cuts := []testbed.How{testbed.DropBoth}
	if os.Getenv("RBEE_FAULTS") == "full" {
		cuts = []testbed.How{testbed.LinkDown, testbed.DropIn, testbed.DropOut, testbed.DropBoth}
	}
	var specs []testbed.Spec
	for range cuts {
		specs = append(specs, testbed.Spec{SSHD: engine("tokens=100000,rate=200")})
	}
	b := hosts(t, specs...)
	for i, how := range cuts {
		t.Run(how.String(), func(t *testing.T) {
			needs(t, b.Caps.Cut, "a cut")
			t.Parallel()
			const lease = 3 * time.Second
			h := b.Hosts[i]
			visited(t, h, programs.Fake)
			r := newWorld(t, b, programs.Fake).infer(h.Name, "--lease", lease.String())
			if !r.Stdout.Wait("tok9") {
				t.Fatalf("no token came:\n%s", r.Stderr)
			}
			if err := h.Cut(how); err != nil {
				t.Fatal(err)
			}
			t.Logf("%v, a lease of %v: the last process was gone after %v", how, lease, nothingRuns(t, h, lease+time.Second).Round(time.Millisecond))
			r.Want(1, "NODE_LOST", "after")
			r.Clean(0)
		})
	}
}
