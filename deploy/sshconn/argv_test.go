package sshconn

import (
	"fmt"
	"io"
	"testing"

	"rbee/deploy/argvconn"
	"rbee/deploy/remote"
)

// sshArgv is how OpenSSH's own client reaches "mac" from a home.
func sshArgv(t testing.TB, h *home) []string {
	h.resolve(t, "mac") // writes the config
	return []string{"ssh", "-F", h.path("config"), "-o", "UserKnownHostsFile=" + h.knownHosts(), "-o", "BatchMode=yes", "mac"}
}

// Both ways to the same node must tell the same.
func TestOpenSSHAsACommandTellsTheSame(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.knows(t, s)
	h.host("mac", s)
	argv, err := argvconn.New("mac", sshArgv(t, h))
	if err != nil {
		t.Fatal(err)
	}
	defer argv.Close()
	native := dial(t, h.resolve(t, "mac"), Options{})
	for _, script := range []string{"cat; echo out; echo err >&2; exit 3", "exit 0", "pwd; echo $#"} {
		path := write(t, t.TempDir()+"/script", script)
		var said [2]string
		for i, c := range []remote.Conn{argv, native} {
			s, err := c.Start(t.Context(), []string{"sh", path, "a=b", "x@y:z", "-v", "100%"})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(s, "in\n")
			_ = s.CloseWrite()
			out, _ := io.ReadAll(s)
			errs, _ := io.ReadAll(s.Stderr())
			<-s.Done()
			s.Close()
			said[i] = fmt.Sprintf("%q %q %v", out, errs, s.Exit())
		}
		if said[0] != said[1] {
			t.Errorf("%s: ssh %s, native %s", script, said[0], said[1])
		}
	}
}
