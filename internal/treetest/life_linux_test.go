package treetest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rbee/internal/api"
	"rbee/internal/proc"
	"rbee/internal/testkit"
	"rbee/internal/testkit/treekit"
)

// detached is a place where rbee queen starts daemons; the one that runs at the end of the test is killed.
func detached(t *testing.T, bin string) *daemon {
	t.Helper()
	short, err := os.MkdirTemp("", "q")
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t, bin: bin, dir: t.TempDir(), socket: filepath.Join(short, "q", "queen.sock")}
	t.Cleanup(func() {
		if b, err := os.ReadFile(d.socket + ".lock"); err == nil {
			if id, err := proc.ParseIdentity(string(b)); err == nil {
				_ = id.Signal(syscall.SIGKILL)
			}
		}
		os.RemoveAll(short)
	})
	return d
}

func (d *daemon) status() (s api.Status) {
	d.t.Helper()
	if err := json.Unmarshal([]byte(d.rbee(0, "queen", "status", "--json")), &s); err != nil {
		d.t.Fatal(err)
	}
	return s
}

func TestTreeAQueenIsStartedUsedRestartedAndStopped(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	if out := d.rbee(3, "queen", "status"); !strings.Contains(out, "no queen serves "+d.socket) {
		t.Errorf("status without one: %s", out)
	}
	if out := d.rbee(0, "queen", "stop"); !strings.Contains(out, "no queen serves") {
		t.Errorf("stop without one: %s", out)
	}
	d.rbee(0, "queen", "start", "--", "--listen", "127.0.0.1:0", "--slots", "3", "--lease", "5s")
	first := d.status()
	if first.State != "ready" || len(first.Listen) != 1 || first.Socket != d.socket || first.PID == 0 || time.Since(first.Started) > time.Minute {
		t.Errorf("%+v", first)
	}
	id := proc.IdentityOf(first.PID)
	if sid, _, err := session(first.PID); err != nil || sid != first.PID {
		t.Errorf("it has no session of its own: %d, %v", sid, err)
	}
	if out := d.rbee(0, "queen", "start"); !strings.Contains(out, fmt.Sprintf("runs already, pid %d", first.PID)) {
		t.Errorf("a second start: %s", out)
	} else if strings.Contains(out, "restart") {
		t.Errorf("a second start without flags: %s", out)
	}
	if out := d.rbee(0, "queen", "start", "--", "--slots", "8"); !strings.Contains(out, "runs already") || !strings.Contains(out, "rbee queen restart -- --slots 8 ") {
		t.Errorf("a second start with flags that do not count: %s", out)
	}
	c := exec.Command(d.bin+"/rbee", "infer", "--model", "demo", "--prompt", "hi", "--socket", d.socket)
	c.Env = environment(d.dir, "RBEE_FAKE_ENGINE=tokens=2") // it is the daemon's environment that counts
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if s := d.status(); s.Nodes != 1 || s.Workers != 1 || s.Running+s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	if out := d.rbee(0, "queen", "status"); !strings.Contains(out, "ready") || !strings.Contains(out, "0 running, 0 waiting") {
		t.Errorf("%s", out)
	}
	out := d.rbee(0, "queen", "restart")
	if !strings.Contains(out, "clean: 3 processes stopped") || !strings.Contains(out, "queen-rbee started") || id.Alive() {
		t.Errorf("restart: %s", out)
	}
	second := d.status()
	if second.PID == first.PID || strings.Join(second.Args, " ") != strings.Join(first.Args, " ") || second.Run == first.Run {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	id = proc.IdentityOf(second.PID)
	var r api.Receipt
	if err := json.Unmarshal([]byte(d.rbee(0, "queen", "stop", "--json")), &r); err != nil || !r.Clean || len(r.Processes) != 1 || id.Alive() {
		t.Errorf("%+v %v", r, err)
	}
	if left, err := testkit.Leftovers(d.dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	if left, err := os.ReadDir(filepath.Dir(d.socket)); err != nil || len(left) > 0 {
		t.Errorf("left beside the socket: %v %v", left, err)
	}
	log, err := os.ReadFile(filepath.Join(second.Log, "queen.log"))
	if err != nil || !strings.Contains(string(log), `"msg":"serving"`) || !strings.Contains(string(log), `"msg":"stopped"`) {
		t.Errorf("%v\n%s", err, log)
	}
}

// session is the session and group of a process.
func session(pid int) (sid, group int, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	var state string
	var ppid int
	_, err = fmt.Sscan(string(b[strings.LastIndexByte(string(b), ')')+1:]), &state, &ppid, &group, &sid)
	return sid, group, err
}

func TestTreeASecondStopWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=400,rate=100"})
	client := api.DialUnix(d.socket)
	defer client.CloseIdleConnections()
	s, err := api.NewClient(client).Generate(t.Context(), &api.GenerateRequest{Model: "demo", Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for e := (api.Event{}); e.Kind != api.KindToken; {
		if e, err = s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	outs := make(chan string, 2)
	stop := func() { outs <- d.rbee(0, "queen", "stop") }
	go stop()
	if !d.log.Wait(`"msg":"stopping"`) {
		t.Fatal(d.log)
	}
	go stop()
	for e := (api.Event{}); e.Kind != api.KindDone; {
		if e, err = s.Next(); err != nil || e.Kind == api.KindError {
			t.Fatalf("the request that ran: %+v, %v", e, err)
		}
	}
	for range 2 {
		if out := <-outs; !strings.Contains(out, "clean: 3 processes stopped") || !strings.Contains(out, "0 forced") {
			t.Errorf("%s", out)
		}
	}
	_ = d.cmd.Wait()
}

func TestTreeAQueenThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	out := d.rbee(1, "queen", "start", "--", "--listen", other.Addr().String())
	if !strings.Contains(out, "QUEEN_START_FAILED") || !strings.Contains(out, "another program listens on "+other.Addr().String()) {
		t.Errorf("%s", out)
	}
	if out := d.rbee(1, "queen", "start", "--", "--slots", "0"); !strings.Contains(out, "--slots is 0") {
		t.Errorf("%s", out)
	}
	d.rbee(3, "queen", "status")
}

func TestTreeManyStartsAtOnceStartOneQueen(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			c := exec.Command(d.bin+"/rbee", "queen", "start", "--socket", d.socket)
			c.Env = environment(d.dir)
			if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "started, pid") && !strings.Contains(string(out), "runs already") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	all.Wait()
	mine := func() (n int) {
		for range proc.Find(func(f proc.Found) bool { return f.Run == d.status().Run }) {
			n++
		}
		return n
	}
	if n := mine(); n != 1 {
		t.Errorf("%d queens of that run", n)
	}
	d.rbee(0, "queen", "stop")
}

// A lock that a crash leaves behind is nobody's.
func TestTreeAQueenThatWasKilledIsStartedAgain(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	d.rbee(0, "queen", "start")
	id := proc.IdentityOf(d.status().PID)
	if err := id.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := testkit.WaitGone(10*time.Second, func(p testkit.Process) bool { return p.PID == id.PID }); err != nil {
		t.Fatal(err)
	}
	d.rbee(3, "queen", "status")
	d.rbee(0, "queen", "start")
	if again := d.status(); again.PID == id.PID || again.State != "ready" {
		t.Errorf("%+v", again)
	}
	if out := d.rbee(0, "queen", "stop", "--kill"); !strings.Contains(out, "is gone, without a receipt") {
		t.Errorf("%s", out)
	}
}

// While it drains: running requests go on, new ones hear when to come again, probes see it.
func TestTreeAQueenDrainsBeforeItStops(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=400,rate=100"}, "--drain", "60s")
	resp, err := http.Post("http://"+address+"/rbee/v1/generate", "application/json", strings.NewReader(strings.Replace(work, `"max_tokens":4`, `"max_tokens":400`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 1<<20)
	read := ""
	for !strings.Contains(read, "tok3") {
		n, err := resp.Body.Read(buf)
		if err != nil {
			t.Fatalf("%v: %s", err, read)
		}
		read += string(buf[:n])
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.log.Wait(`"msg":"stopping"`)
	if a := call(t, http.DefaultClient, "GET", "http://"+address+"/readyz", ""); a.status != 503 || a.says() != "QUEEN_STOPPING" {
		t.Errorf("readyz: %+v", a)
	}
	if a := call(t, http.DefaultClient, "GET", "http://"+address+"/healthz", ""); a.status != 200 {
		t.Errorf("healthz: %+v", a)
	}
	if a := call(t, http.DefaultClient, "POST", "http://"+address+"/rbee/v1/generate", work); a.status != 503 || a.says() != "QUEEN_STOPPING" || a.header.Get("Retry-After") == "" {
		t.Errorf("a new request: %+v", a)
	}
	if s := d.status(); s.State != "stopping" || s.Running != 1 {
		t.Errorf("%+v", s)
	}
	for {
		n, err := resp.Body.Read(buf)
		read += string(buf[:n])
		if err != nil {
			break
		}
	}
	if !strings.Contains(read, "tok399") || !strings.Contains(read, "event: done") {
		t.Errorf("the running request was cut: ...%s", read[max(len(read)-300, 0):])
	}
	d.log.Over()
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, d.log)
	}
}

func TestTreeASecondSignalEndsTheDrain(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=100000,rate=50"}, "--drain", "10m")
	resp, err := d.unix().Post("http://queen/rbee/v1/generate", "application/json", strings.NewReader(strings.Replace(work, `,"max_tokens":4`, "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for read, buf := "", make([]byte, 4096); !strings.Contains(read, "tok0"); {
		n, err := resp.Body.Read(buf)
		if err != nil {
			t.Fatalf("%v: %s", err, read)
		}
		read += string(buf[:n])
	}
	if out := d.rbee(0, "queen", "stop", "--now"); !strings.Contains(out, "clean: 3 processes stopped") {
		t.Errorf("%s\n%s", out, d.log)
	}
	d.log.Over()
	_ = d.cmd.Wait()
}

func TestTreeAnIdleQueenStopsByItselfAndABusyOneDoesNot(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=100,rate=20"}, "--idle-timeout", "3s")
	if out := d.ask(0, "tok99", "--max-tokens", "100"); !strings.Contains(out, "tok0") { // 5 s, longer than the timeout
		t.Errorf("%s", out)
	}
	d.log.Over()
	if err := d.cmd.Wait(); err != nil || !strings.Contains(d.log.String(), `"msg":"stopped"`) {
		t.Errorf("%v\n%s", err, d.log)
	}
}

// notifySocket is a service manager that listens.
func notifySocket(t *testing.T) (path string, next func(want string) string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "n")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return path, func(want string) string {
		t.Helper()
		buf := make([]byte, 4096)
		for {
			_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("%s was never told: %v", want, err)
			}
			if m := string(buf[:n]); strings.Contains(m, want) {
				return m
			}
		}
	}
}

func TestTreeAServiceManagerIsToldHowAQueenIs(t *testing.T) {
	t.Parallel()
	path, next := notifySocket(t)
	d := startDaemon(t, fake, []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=300000", "RBEE_FAKE_ENGINE=tokens=1"}, "--log", "stderr")
	if m := next("READY=1"); !strings.Contains(m, d.socket) {
		t.Errorf("%q", m)
	}
	next("WATCHDOG=1")
	next("WATCHDOG=1")
	d.ask(0, "tok0")
	for _, f := range proc.Find(func(f proc.Found) bool {
		return f.Root == proc.IdentityOf(d.cmd.Process.Pid).String() && f.PID != d.cmd.Process.Pid
	}) {
		if b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", f.PID)); strings.Contains(string(b), "NOTIFY_SOCKET") {
			t.Errorf("%v could speak for the queen", f)
		}
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if m := next("STOPPING=1"); !strings.Contains(m, "EXTEND_TIMEOUT_USEC=") {
		t.Errorf("%q", m)
	}
	d.log.Over()
	_ = d.cmd.Wait()
}

// On a terminal the log is for people, and a hang-up of that terminal is the end.
func TestTreeADaemonOnATerminalSpeaksTextAndEndsWithIt(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	term := treekit.OnTerminal(t, environment(d.dir), d.bin+"/queen-rbee", "daemon", "--socket", d.socket)
	if !term.Screen.Wait("msg=serving") {
		t.Fatal(term.Screen)
	}
	s := d.status()
	if err := syscall.Kill(s.PID, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if !term.Screen.Wait("msg=stopped") || strings.Contains(term.Screen.String(), `{"time"`) {
		t.Errorf("%s", term.Screen)
	}
	if err := term.Cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, term.Screen)
	}
	if b, err := os.ReadFile(filepath.Join(s.Log, "queen.log")); err != nil || !strings.HasPrefix(string(b), `{"time"`) {
		t.Errorf("the file is not JSON: %v %.100s", err, b)
	}
}
