package proc

import (
	"os"
	"syscall"
	"testing"
)

func TestAPidOfAnotherLifeIsNotAlive(t *testing.T) {
	me := Self()
	if !me.Alive() || me.PID != os.Getpid() || me.Start == 0 {
		t.Errorf("%v", me)
	}
	if earlier := (Identity{me.PID, me.Start - 1}); earlier.Alive() {
		t.Error("the pid's earlier owner is alive")
	}
	if unknown := (Identity{PID: me.PID}); !unknown.Alive() {
		t.Error("without a start time the pid must do")
	}
}

func TestAZombieIsDead(t *testing.T) {
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 0"}, &syscall.ProcAttr{Env: []string{EnvRun + "=zombie"}})
	if err != nil {
		t.Fatal(err)
	}
	id := IdentityOf(pid)
	if !waitExit(pid) {
		t.Fatal("its end was not seen")
	}
	if id.Start == 0 || id.Alive() || len(Find(func(f Found) bool { return f.Run == "zombie" })) != 0 {
		t.Errorf("%v is alive", id)
	}
	if EndStrays(); waitExit(pid) {
		t.Error("it was not reaped")
	}
}

func TestTheNameOfAProgramDoesNotConfuseItsStat(t *testing.T) {
	dir := t.TempDir() + "/a) Z 1 (b"
	b, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, b, 0o700); err != nil {
		t.Fatal(err)
	}
	c := start(t, Command{Path: dir, Args: []string{"300"}})
	if st, err := readStat(c.PID); err != nil || st.pgid != c.PID || !c.Alive() {
		t.Errorf("%+v, %v", st, err)
	}
}

func FuzzParseIdentity(f *testing.F) {
	f.Add("12@34")
	f.Add("+1@2")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseIdentity(s)
		if err != nil {
			return
		}
		if again, err := ParseIdentity(id.String()); err != nil || again != id || id.PID <= 0 {
			t.Errorf("%q is %v, which is %v, %v", s, id, again, err)
		}
	})
}
