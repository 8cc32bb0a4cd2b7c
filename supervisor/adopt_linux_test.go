package supervisor

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/proc"
	"rbee/internal/transport"
	"rbee/internal/version"
	"rbee/messages"
)

// byHand starts a child as somebody would who is no link, and returns what it says before it exits with 1.
func byHand(t *testing.T, owner func(*proc.Process)) string {
	t.Helper()
	s := spec("queen.1", NewRun(), "good")
	path, err := Beside(s.Program)
	if err != nil {
		t.Fatal(err)
	}
	p, err := proc.Start(proc.Command{Path: path, Env: append(s.Env, proc.EnvRun+"="+s.Run, proc.EnvLease+"="+lease.String())})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	said := make(chan bool)
	go func() {
		defer close(said)
		proc.EachLine(p.Stderr(), func(line string) { words = append(words, line) })
	}()
	owner(p)
	select {
	case <-p.Exited():
	case <-time.After(patience):
		p.Signal(syscall.SIGKILL)
		<-p.Exited()
	}
	p.Release()
	<-said
	p.Stderr().Close()
	if got := p.Cause(); got != "exit status 1" {
		t.Errorf("it ended by %q", got)
	}
	return strings.Join(words, "\n")
}

func TestAProgramStartedByHandSaysSo(t *testing.T) {
	t.Parallel()
	for name, owner := range map[string]func(*proc.Process){
		"stdin at its end": func(p *proc.Process) { p.Stream().Close() },
		"a silent stdin":   func(*proc.Process) {}, // as on a terminal: it waits for the lease
		"something typed":  func(p *proc.Process) { _, _ = p.Stream().Write([]byte("hello?\n")); p.Stream().Close() },
	} {
		if said := byHand(t, owner); !strings.Contains(said, "this program is started by rbee, not by hand") {
			t.Errorf("%s: it says %q", name, said)
		}
	}
}

// It greets all the same: its owner names both builds to the user.
func TestAChildOfAnotherBuildThanItsOwnerRefuses(t *testing.T) {
	t.Parallel()
	var hello messages.Hello
	said := byHand(t, func(p *proc.Process) {
		boot := &messages.Boot{Version: "0.0.0+other", Nonce: "n", Address: "queen.1~child.1", OwnerAddress: "queen.1", LeaseMs: lease.Milliseconds()}
		if err := transport.WriteFrame(p.Stream(), "", boot); err != nil {
			t.Error(err)
		}
		if _, err := transport.ReadFrame(p.Stream(), "n", &hello); err != nil {
			t.Error(err)
		}
	})
	if hello.GetVersion() != version.Build() || hello.GetPid() == 0 || !strings.Contains(said, "the owner is of build 0.0.0+other, this is "+version.Build()) {
		t.Errorf("%v, and it says %q", &hello, said)
	}
}
