package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const (
	theKeeper = "keeper.1"
	theQueen  = theKeeper + "~queen.1"
	theHive   = theQueen + "~hive-a.1"
	otherHive = theQueen + "~hive-b.1"
	theWorker = theHive + "~worker-0.1"
	nextLife  = theHive + "~worker-0.10"
	// patience is how long a test waits for what must come; a noisy machine is no failure.
	patience = 20 * time.Second
)

func TestWhoMaySendAStreamToWhomThroughAHive(t *testing.T) {
	hive := NewRouter(theHive, nil)
	for _, c := range []struct {
		below          string // the link it comes from; "" = the owner's
		target, origin string
		service        Service
		ok             bool
	}{
		{theWorker, theHive, theWorker, ServiceActors, true},
		{theWorker, theQueen, theWorker, ServiceActors, true},
		{theWorker, theKeeper, theWorker, ServiceActors, true},
		{theWorker, theQueen, theWorker + "~deep.1", ServiceActors, true},
		{theWorker, theQueen, theHive, ServiceActors, false},   // in the name of its owner
		{theWorker, theQueen, theQueen, ServiceActors, false},  // of its owner's owner
		{theWorker, theQueen, nextLife, ServiceActors, false},  // of a life whose name begins like its own
		{theWorker, nextLife, theWorker, ServiceActors, false}, // sideways
		{theWorker, otherHive, theWorker, ServiceActors, false},
		{theWorker, theWorker, theWorker, ServiceActors, false}, // through its owner to itself
		{theWorker, theWorker, theWorker + "~deep.1", ServiceActors, false},
		{theWorker, theQueen, theWorker, ServiceAPI, false}, // the API is for owners
		{theWorker, theHive, theWorker, ServiceAPI, false},
		{theWorker, theHive, theWorker, ServiceLoans, true}, // of its owner only, and in its own name
		{theWorker, theQueen, theWorker, ServiceLoans, false},
		{theWorker, theHive, theWorker + "~deep.1", ServiceLoans, false},

		{"", theHive, theQueen, ServiceActors, true},
		{"", theWorker, theQueen, ServiceActors, true},
		{"", theWorker, theKeeper, ServiceActors, true},
		{"", theHive, theQueen, ServiceAPI, true},
		{"", theHive, theHive, ServiceActors, false},   // in my own name
		{"", theHive, theWorker, ServiceActors, false}, // in the name of my child
		{"", theQueen, theKeeper, ServiceActors, false},
		{"", otherHive, theQueen, ServiceActors, false},
	} {
		if why := hive.allowStream(preamble{c.service, c.target, c.origin}, c.below); (why == "") != c.ok {
			t.Errorf("from %q, to %s as %s, service %d: %q, want allowed: %v", c.below, c.target, c.origin, c.service, why, c.ok)
		}
	}
}

// Whatever a hostile process claims, however deep it is: what honest hops deliver was its own to say.
func TestNoClaimGetsAProcessMoreThanItsOwnNameUpwards(t *testing.T) {
	name := rapid.SampledFrom([]string{"a.1", "a.10", "b.1"})
	address := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(append([]string{theKeeper}, rapid.SliceOfN(name, 0, 4).Draw(t, "path")...), Separator)
	})
	rapid.Check(t, func(t *rapid.T) {
		liar := address.Filter(func(a string) bool { return a != theKeeper }).Draw(t, "liar")
		p := preamble{Service(rapid.IntRange(1, 3).Draw(t, "service")), address.Draw(t, "target"), address.Draw(t, "origin")}
		below := liar
		for {
			hop := below[:strings.LastIndex(below, Separator)]
			if NewRouter(hop, nil).allowStream(p, below) != "" {
				return
			}
			if p.target == hop {
				break
			}
			if Within(p.target, hop) {
				t.Fatalf("%s turns %+v downwards", hop, p)
			}
			below = hop
			if !strings.Contains(below, Separator) {
				t.Fatalf("%+v went past the root", p)
			}
		}
		loan := p.service == ServiceLoans && p.origin == liar && IsChild(liar, p.target)
		if !Within(p.origin, liar) || !Within(liar, p.target) || liar == p.target || p.service != ServiceActors && !loan {
			t.Fatalf("%s got %+v delivered", liar, p)
		}
	})
}

// line is a chain of routers, joined by links; each takes streams of both services and echoes them behind a
// greeting that says who they are from.
func line(t *testing.T, addresses ...string) map[string]*Router {
	t.Helper()
	all := map[string]*Router{}
	for i, a := range addresses {
		r := NewRouter(a, nil)
		for _, s := range []Service{ServiceActors, ServiceAPI} {
			r.Handle(s, func(c net.Conn, origin string) {
				_, _ = fmt.Fprintf(c, "%s to %s\n", origin, a)
				_, _ = io.Copy(c, c)
				c.Close()
			})
		}
		if all[a] = r; i > 0 {
			join(t, all[addresses[i-1]], r)
		}
	}
	return all
}

func join(t *testing.T, owner, child *Router) (down, up *Session) {
	t.Helper()
	a, b := net.Pipe()
	down, err1 := owner.AttachDown(child.Address(), a, 10*time.Second)
	up, err2 := child.AttachUp(b, 10*time.Second)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { up.Close(); down.Close() })
	return down, up
}

func open(t *testing.T, from *Router, to string, s Service) net.Conn {
	t.Helper()
	c, err := from.Open(to, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

func TestAStreamPassesThroughTheMiddleOfTheTreeByteForByte(t *testing.T) {
	all := line(t, theKeeper, theQueen, theHive, theWorker)
	for _, c := range []struct {
		from, to string
		service  Service
	}{
		{theWorker, theKeeper, ServiceActors}, {theWorker, theHive, ServiceActors}, {theKeeper, theWorker, ServiceActors}, {theKeeper, theQueen, ServiceAPI},
	} {
		s := open(t, all[c.from], c.to, c.service)
		want := c.from + " to " + c.to + "\nhello"
		got := make([]byte, len(want))
		_, _ = s.Write([]byte("hello"))
		if _, err := io.ReadFull(s, got); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func TestTheEndOfASplicedStreamReachesTheOtherEnd(t *testing.T) {
	all := line(t, theKeeper, theQueen, theHive, theWorker)
	ended := make(chan error, 1)
	all[theKeeper].Handle(ServiceActors, func(c net.Conn, _ string) {
		_, err := io.Copy(io.Discard, c)
		c.Close()
		ended <- err
	})
	open(t, all[theWorker], theKeeper, ServiceActors).Close()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the keeper still reads")
	}
}

func TestAStreamToNobodyIsAnErrorOrCloses(t *testing.T) {
	all := line(t, theQueen, theHive)
	for _, to := range []string{theKeeper, otherHive, theQueen + "~hive-a.2", theQueen} {
		if _, err := all[theQueen].Open(to, ServiceActors); !errors.Is(err, ErrNoRoute) {
			t.Errorf("to %s: %v", to, err)
		}
	}
	// The hive has no such worker, which only the hive knows.
	if n, err := open(t, all[theQueen], theWorker, ServiceActors).Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestALinkThatIsOverLeadsNowhere(t *testing.T) {
	queen, hive := NewRouter(theQueen, nil), NewRouter(theHive, nil)
	down, up := join(t, queen, hive)
	up.Close()
	<-down.Closed()
	if _, err := queen.Open(theHive, ServiceActors); !errors.Is(err, ErrNoRoute) {
		t.Errorf("%v", err)
	}
	if _, err := hive.Open(theQueen, ServiceActors); !errors.Is(err, ErrNoRoute) {
		t.Errorf("%v", err)
	}
}

func TestCloseOfAStreamUnblocksItsReader(t *testing.T) {
	all := line(t, theQueen, theHive)
	all[theHive].Handle(ServiceActors, func(c net.Conn, _ string) { _, _ = c.Write([]byte(".")); _, _ = io.Copy(io.Discard, c); c.Close() })
	s := open(t, all[theQueen], theHive, ServiceActors)
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = s.SetDeadline(time.Time{})
	read := make(chan error)
	go func() { _, err := s.Read(make([]byte, 1)); read <- err }()
	s.Close()
	select {
	case err := <-read:
		if err == nil {
			t.Error("it read something")
		}
	case <-time.After(patience):
		t.Fatal("it still reads")
	}
}
