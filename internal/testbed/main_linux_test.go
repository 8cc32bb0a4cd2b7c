package testbed

import (
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ssh runs OpenSSH's own client with the bed's config.
func ssh(t *testing.T, b *Bed, args ...string) string {
	t.Helper()
	var out strings.Builder
	c := exec.Command("ssh", append([]string{"-F", b.SSHConfig, "-o", "ConnectTimeout=10"}, args...)...)
	c.Stdout, c.Stderr = &out, &out
	err := b.Start(c)
	if err == nil {
		err = c.Wait()
	}
	if err != nil {
		t.Fatalf("ssh %v: %v\n%s", args, err, &out)
	}
	return strings.TrimSpace(out.String())
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// hosts makes a bed of real hosts. Without root the test says that it is left out; TestWithoutRoot is not.
func hosts(t *testing.T, specs ...Spec) *Bed {
	t.Helper()
	if !privileged() {
		t.Skip("left out, since it needs root: hosts of their own")
	}
	return New(t, specs...)
}
