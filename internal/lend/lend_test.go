package lend

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rbee/internal/fault"
	"rbee/internal/models"
	"rbee/internal/models/fetch"
	"rbee/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hiveA, hiveB = "queen.1~hive-a.1", "queen.1~hive-b.1"

// named is a connection of that process's.
type named struct {
	net.Conn
	who string
}

func (n named) RemoteAddr() net.Addr { return address(n.who) }

type address string

func (address) Network() string  { return "link" }
func (a address) String() string { return string(a) }

// piped is a listener of pipes.
type piped struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *piped) Close() error   { return nil }
func (p *piped) Addr() net.Addr { return address("") }

// bench is a desk, served, that has one model.
type bench struct {
	*Desk
	t     *testing.T
	file  string
	l     *piped
	finds atomic.Int64
}

func newBench(t *testing.T, content []byte, env map[string]string) *bench {
	b := &bench{t: t, file: filepath.Join(t.TempDir(), "Mine.gguf"), l: &piped{make(chan net.Conn), make(chan struct{})}}
	if err := os.WriteFile(b.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Desk = &Desk{Getenv: func(n string) string { return env[n] }, Resolve: func(_ context.Context, m *messages.ModelRef) (*models.Model, error) {
		b.finds.Add(1)
		if m.GetRef() != b.file {
			return nil, fault.New(fault.ModelNotFound, "there is no model %s", m.GetRef())
		}
		return &models.Model{Ref: m.GetRef(), Path: b.file}, nil
	}}
	s := &http.Server{Handler: b.Desk, ConnContext: ConnContext}
	served := make(chan error, 1)
	go func() { served <- s.Serve(b.l) }()
	t.Cleanup(func() {
		close(b.l.done)
		s.Close()
		<-served
	})
	return b
}

// hive is a client that the transport vouches for as who.
func (b *bench) hive(who string) *Client {
	c := NewClient(func() (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case b.l.conns <- named{there, who}:
			return here, nil
		case <-b.l.done:
			return nil, net.ErrClosed
		}
	})
	b.t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func (b *bench) push() string {
	return b.Grant(hiveA, &messages.ModelRef{Ref: b.file, Push: true})
}

func TestACopyIsTakenWhole(t *testing.T) {
	content := bytes.Repeat([]byte("weights "), 50_000)
	b := newBench(t, content, nil)
	g, err := b.hive(hiveA).Loan(b.push()).Gift(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if g.Folder != "mine" || len(g.Files) != 1 || g.Files[0].Name != "Mine.gguf" || g.Files[0].Size != int64(len(content)) {
		t.Fatalf("offered %+v", g)
	}
	if n, err := fetch.New(fetch.Options{}).Take(t.Context(), g); err != nil || n != int64(len(content)) {
		t.Fatalf("took %d: %v", n, err)
	}
	got, err := os.ReadFile(filepath.Join(g.Dir, "mine/Mine.gguf"))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("another file came: %v", err)
	}
}

// What is announced and what is sent may become two things, if somebody writes the file meanwhile.
func TestAFileThatChangesWhileItIsSentIsRefused(t *testing.T) {
	b := newBench(t, make([]byte, 100_000), nil)
	g, err := b.hive(hiveA).Loan(b.push()).Gift(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ask := g.Digest
	g.Digest = func(ctx context.Context, i int) (string, error) {
		d, err := ask(ctx, i)
		return d, errors.Join(err, os.WriteFile(b.file, bytes.Repeat([]byte{1}, 100_000), 0o600))
	}
	if _, err := fetch.New(fetch.Options{}).Take(t.Context(), g); fault.CodeOf(err) != fault.ModelCorrupt {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(g.Dir, "mine")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestADigestIsComputedOnceAndAgainWhenTheFileChanged(t *testing.T) {
	b := newBench(t, []byte("one"), nil)
	g, err := b.hive(hiveA).Loan(b.push()).Gift(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	one, err := g.Digest(t.Context(), 0)
	if err != nil || len(one) != 64 {
		t.Fatalf("%q %v", one, err)
	}
	b.remember(b.file, digest{3, must(os.Stat(b.file))(t).ModTime(), "kept"})
	if again, err := g.Digest(t.Context(), 0); err != nil || again != "kept" {
		t.Errorf("an unchanged file is read again: %q %v", again, err)
	}
	if err := os.Chtimes(b.file, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if again, err := g.Digest(t.Context(), 0); err != nil || again != one {
		t.Errorf("of a changed file the old digest is given: %q %v", again, err)
	}
}

func TestTheAccessToTheHubIsLent(t *testing.T) {
	b := newBench(t, nil, map[string]string{"HF_ENDPOINT": "https://mirror.example/", "HF_TOKEN": "hf_secret"})
	l := b.hive(hiveA).Loan(b.Grant(hiveA, &messages.ModelRef{Ref: "tinyllama"}))
	if e, err := l.Endpoint(t.Context()); err != nil || e != "https://mirror.example" {
		t.Errorf("endpoint %q %v", e, err)
	}
	if s, err := l.Token(t.Context()); err != nil || s != "hf_secret" {
		t.Errorf("token %q %v", s, err)
	}
}

// A loan is one hive's, for one purpose, as long as that hive lives.
func TestALoanServesNobodyElseAndNothingElse(t *testing.T) {
	b := newBench(t, []byte("weights"), map[string]string{"HF_TOKEN": "hf_secret"})
	copyOf, access := b.push(), b.Grant(hiveA, &messages.ModelRef{Ref: "tinyllama"})
	refused := func(who, what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s got %s", who, what)
		}
	}
	for _, l := range []struct {
		who  string
		loan Loan
	}{
		{"another hive", b.hive(hiveB).Loan(copyOf)},
		{"a hive with the access to the hub", b.hive(hiveA).Loan(access)},
		{"a guess", b.hive(hiveA).Loan("0123456789abcdef0123456789abcdef")},
	} {
		_, err := l.loan.Gift(t.Context(), "/d")
		refused(l.who, "a copy", err)
	}
	for _, l := range []struct {
		who  string
		loan Loan
	}{
		{"another hive", b.hive(hiveB).Loan(access)},
		{"a hive that gets a copy", b.hive(hiveA).Loan(copyOf)},
		{"a worker", b.hive(hiveA + "~worker-0.1").Loan(access)},
	} {
		_, err := l.loan.Token(t.Context())
		refused(l.who, "the token", err)
	}
	b.Revoke(hiveA)
	_, err := b.hive(hiveA).Loan(access).Token(t.Context())
	refused("a hive whose life is over", "the token", err)
	if n := b.finds.Load(); n != 0 {
		t.Errorf("the disk was looked at %d times for them", n)
	}
}

func TestALoanIsGrantedOnceForTheSameThing(t *testing.T) {
	b := newBench(t, nil, nil)
	if first, second := b.push(), b.push(); first != second {
		t.Error("two loans of one model for one hive")
	}
	if b.Grant(hiveA, &messages.ModelRef{Ref: "a"}) != b.Grant(hiveA, &messages.ModelRef{Ref: "b"}) {
		t.Error("two accesses to one hub for one hive")
	}
	if b.push() == b.Grant(hiveB, &messages.ModelRef{Ref: b.file, Push: true}) {
		t.Error("one loan for two hives")
	}
	for i := range maxLoans + 10 {
		b.Grant(hiveB, &messages.ModelRef{Ref: "m", Cwd: string(rune('a' + i)), Push: true})
	}
	if n := len(b.loans); n > maxLoans+2 {
		t.Errorf("%d loans are remembered", n)
	}
}

func TestWhatIsNotHereIsSaidToBeMissingHere(t *testing.T) {
	b := newBench(t, nil, nil)
	_, err := b.hive(hiveA).Loan(b.Grant(hiveA, &messages.ModelRef{Ref: "nobody", Push: true})).Gift(t.Context(), "/d")
	if f := fault.From(err); f.Code != fault.ModelNotFound || f.Message != "nothing to push: on the control node there is no model nobody" || f.Hint == "" {
		t.Errorf("%s: %v (%s)", f.Code, f, f.Hint)
	}
}

func TestTwoFilesOfOneSecondAreNotTakenForTheSame(t *testing.T) {
	b := newBench(t, []byte("the first"), nil)
	dir, second := t.TempDir(), time.Unix(1_700_000_000, 0)
	for _, v := range []struct {
		content string
		at      time.Duration
	}{{"the first", 250 * time.Millisecond}, {"the other", 750 * time.Millisecond}} {
		if err := os.WriteFile(b.file, []byte(v.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(b.file, time.Time{}, second.Add(v.at)); err != nil {
			t.Fatal(err)
		}
		g, err := b.hive(hiveA).Loan(b.push()).Gift(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fetch.New(fetch.Options{}).Take(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "mine/Mine.gguf")); err != nil || string(got) != v.content {
			t.Errorf("%q was pushed, there is %q (%v)", v.content, got, err)
		}
	}
	// A file system that keeps whole seconds.
	if err := os.Chtimes(filepath.Join(dir, "mine/Mine.gguf"), time.Time{}, second); err != nil {
		t.Fatal(err)
	}
	g, err := b.hive(hiveA).Loan(b.push()).Gift(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	g.Digest = func(context.Context, int) (string, error) { return "", errors.New("a digest was asked for") }
	if n, err := fetch.New(fetch.Options{}).Take(t.Context(), g); err != nil || n != 0 {
		t.Errorf("what is there with its time in whole seconds: took %d, %v", n, err)
	}
}

func TestWhatIsUnusableHereIsSaidToBeSoHere(t *testing.T) {
	for _, code := range []fault.Code{fault.ModelCorrupt, fault.ModelAmbiguous, fault.ModelAccessDenied} {
		b := newBench(t, nil, nil)
		b.Resolve = func(context.Context, *messages.ModelRef) (*models.Model, error) {
			return nil, fault.New(code, "/m/x.gguf is bad").WithHint("do this")
		}
		_, err := b.hive(hiveA).Loan(b.push()).Gift(t.Context(), "/d")
		if f := fault.From(err); f.Code != code || f.Message != "nothing to push: on the control node /m/x.gguf is bad" || f.Hint != "do this" {
			t.Errorf("%s: %v (%s)", f.Code, f, f.Hint)
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
