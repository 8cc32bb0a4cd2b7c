package install

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"rbee/deploy/bundle"
	"rbee/internal/fault"
)

// tmp is where the user's hive goes when the home folder is no good: a world's user is 0, if only there.
func tmp(below string) string { return below + "/rbee-0" }

func TestAHiveGoesWhereItCanLive(t *testing.T) {
	b := small(t, "", 1000)
	for name, c := range map[string]struct {
		spoil string
		want  string // the folder
		why   string // what is said of the home folder
	}{
		"home":                            {"", home, ""},
		"home noexec":                     {"mount -t tmpfs -o noexec none /mnt", tmp("/var/tmp"), "noexec"},
		"home read-only":                  {"mount -o remount,ro,bind /mnt", tmp("/var/tmp"), "Read-only"},
		"home full":                       {"mount -t tmpfs -o size=64k none /mnt; head -c 64k /dev/zero >/mnt/x || :", tmp("/var/tmp"), "cannot be"},
		"home too small":                  {"mount -t tmpfs -o size=512k none /mnt", tmp("/var/tmp"), ""},
		"cache is a file":                 {"echo >/mnt/.cache", tmp("/var/tmp"), "cannot be made"},
		"only /tmp":                       {"mount -t tmpfs -o noexec none /mnt; mount -t tmpfs -o mode=1777,noexec none /var/tmp", tmp("/tmp"), "noexec"},
		"a link in /var/tmp":              {"mount -t tmpfs -o noexec none /mnt; mkdir /mnt/trap; ln -s /mnt/trap " + tmp("/var/tmp"), tmp("/tmp"), "noexec"},
		"somebody else's folder":          {"mount -t tmpfs -o noexec none /mnt; mkdir -m 0777 " + tmp("/var/tmp"), tmp("/tmp"), ""},
		"/var/tmp not sticky, ours there": {"mount -t tmpfs -o noexec none /mnt; mkdir -m 0700 " + tmp("/var/tmp") + "; chmod 0777 /var/tmp", tmp("/tmp"), "noexec"},
		"/var/tmp not sticky":             {"mount -t tmpfs -o noexec none /mnt; chmod 0777 /var/tmp", tmp("/tmp"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := world(t, "")
			n.do(t, c.spoil+"\n:")
			facts, err := Probe(t.Context(), n, "")
			if err != nil {
				t.Fatal(err)
			}
			if c.want != home && !strings.Contains(facts.Places[0].Bad, c.why) {
				t.Errorf("of the home folder is said %q, want %q", facts.Places[0].Bad, c.why)
			}
			path, err := Install(t.Context(), n, facts, b, 0, nil)
			if err != nil {
				t.Fatalf("%v; %+v", err, facts.Places)
			}
			if path != HivePath(c.want, b) {
				t.Errorf("installed at %s; %+v", path, facts.Places)
			}
			if out, _, exit := run(t, n, path); !exit.OK() || strings.TrimSpace(out) != "this is the hive" {
				t.Errorf("the hive: %q, %v", out, exit)
			}
		})
	}
}

func TestATmpThatIsNotStickyIsNotTrusted(t *testing.T) {
	n := world(t, "")
	n.do(t, "chmod 0777 /var/tmp; mkdir -m 0700 "+tmp("/var/tmp"))
	facts, err := Probe(t.Context(), n, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range facts.Places {
		if open := p.Dir == tmp("/var/tmp"); (p.Bad == bad["open"]) != open {
			t.Errorf("%+v", p)
		}
	}
}

func TestAFolderOfAnotherUserIsNotUsed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("left out, since it needs root: a folder of another user")
	}
	n := world(t, "")
	n.do(t, "mkdir -p -m 0700 /mnt/.cache/rbee /var/tmp/rbee-0; chown 1234 /mnt/.cache/rbee /var/tmp/rbee-0")
	facts, err := Probe(t.Context(), n, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range facts.Places {
		if owned := p.Dir != "/tmp/rbee-0"; strings.Contains(p.Bad, "somebody else") != owned {
			t.Errorf("%+v", p)
		}
	}
}

func TestAProbeLeavesNothingButTheCacheFolder(t *testing.T) {
	n := world(t, "")
	if _, err := Probe(t.Context(), n, "/mnt/configured"); err != nil {
		t.Fatal(err)
	}
	if out := n.do(t, "find /mnt /var/tmp /tmp -mindepth 1 | sort"); out != "/mnt/.cache\n/mnt/.cache/rbee\n/mnt/configured" {
		t.Errorf("left: %s", out)
	}
}

func TestProbesAtOnceDoNotHurtEachOther(t *testing.T) {
	n := world(t, "")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			facts, err := Probe(t.Context(), n, "")
			if err != nil {
				t.Error(err)
				return
			}
			for _, p := range facts.Places {
				if p.Bad != "" {
					t.Errorf("%+v", p)
				}
			}
		})
	}
	wg.Wait()
}

func TestNoexecEverywhereIsSaidOfEachFolder(t *testing.T) {
	n := world(t, "")
	n.do(t, "for d in /mnt /var/tmp /tmp; do mount -t tmpfs -o mode=1777,noexec none $d; done")
	facts, err := Probe(t.Context(), n, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Install(t.Context(), n, facts, small(t, "", 1000), 0, nil)
	f := fault.From(err)
	if f == nil || f.Code != fault.HiveStartFailed || strings.Count(f.Message, "noexec") != 3 || !strings.Contains(f.Hint, "cache_dir") {
		t.Errorf("%v; %+v", err, f)
	}
}

func TestAFullDiskIsSaidWithItsNumbers(t *testing.T) {
	b := small(t, "", 2<<20)
	n := world(t, "")
	n.do(t, "for d in /mnt /var/tmp /tmp; do mount -t tmpfs -o mode=1777,size=1m none $d; done")
	facts, err := Probe(t.Context(), n, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Install(t.Context(), n, facts, b, 0, func(int64, int64) { t.Error("sent to a disk that is too small") })
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), mega(b.Size+slack)) || !strings.Contains(err.Error(), "1.0 MB free") {
		t.Errorf("known before: %v", err)
	}

	// A quota, or somebody else's file: df promised more.
	facts.Places[0].Free, facts.Places[1].Free = 1<<30, -1
	_, err = Install(t.Context(), n, facts, b, 0, nil)
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "the disk of user@node is full at "+tmp("/var/tmp")) {
		t.Errorf("known when it happened: %v", err)
	}
	if out := n.do(t, "find /mnt /var/tmp /tmp -type f; ls -d /mnt/.cache/rbee/.stage* /var/tmp/*/.stage* 2>/dev/null || :"); out != "" {
		t.Errorf("left: %s", out)
	}
}

func TestAFullDiskIsNoEndWhereAnotherHasSpace(t *testing.T) {
	b := small(t, "", 2<<20)
	n := world(t, "")
	n.do(t, "mount -t tmpfs -o size=1m none /mnt")
	facts, err := Probe(t.Context(), n, "")
	if err != nil {
		t.Fatal(err)
	}
	facts.Places[0].Free = -1 // df did not say
	if path, err := Install(t.Context(), n, facts, b, 0, nil); err != nil || path != HivePath(tmp("/var/tmp"), b) {
		t.Errorf("%q, %v", path, err)
	}
}

func TestTheConfiguredFolderComesFirst(t *testing.T) {
	n := world(t, "")
	n.do(t, "mkdir /mnt/xdg")
	n.set("XDG_CACHE_HOME", "/mnt/xdg")
	facts, err := Probe(t.Context(), n, "/mnt/a/b/configured")
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, p := range facts.Places {
		dirs = append(dirs, p.Dir)
		if p.Bad != "" || p.Free <= 0 {
			t.Errorf("%+v", p)
		}
	}
	if want := []string{"/mnt/a/b/configured", "/mnt/xdg/rbee", home, tmp("/var/tmp"), tmp("/tmp")}; fmt.Sprint(dirs) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", dirs, want)
	}
}

func TestANodeWhoseHomeIsNoGoodIsRemembered(t *testing.T) {
	o, c := options(t), world(t, "")
	c.do(t, "mount -t tmpfs -o noexec none /mnt")
	first, ensured := visit(t, c, o)
	if !ensured || first != HivePath(tmp("/var/tmp"), mustFind(t, o)) {
		t.Errorf("the first visit: %s, %v", first, ensured)
	}
	o.Progress = func(e Event) {
		if e.Phase == Sending {
			t.Error("sent again")
		}
	}
	if second, _ := visit(t, c, o); second != first {
		t.Errorf("the second visit: %s", second)
	}
	o.Progress = nil
	c.do(t, "rm -r "+tmp("/var/tmp"))
	if third, ensured := visit(t, c, o); !ensured || third != first {
		t.Errorf("a stale note: %s, %v", third, ensured)
	}
}

func TestAnotherCacheFolderIsRememberedAndStartedFromWithoutAsking(t *testing.T) {
	o, c := options(t), world(t, "")
	c.set("XDG_CACHE_HOME", "/mnt/xdg")
	if path, ensured := visit(t, c, o); !ensured || !strings.HasPrefix(path, "/mnt/xdg/rbee/") {
		t.Errorf("the first visit: %s, %v", path, ensured)
	}
	if path, ensured := visit(t, c, o); ensured || !strings.HasPrefix(path, "/mnt/xdg/rbee/") {
		t.Errorf("the second visit: %s, %v", path, ensured)
	}
	o.CacheDir = "/mnt/configured"
	if path, ensured := visit(t, c, o); !ensured || !strings.HasPrefix(path, o.CacheDir) {
		t.Errorf("with a cache_dir configured since: %s, %v", path, ensured)
	}
}

// Who knows our bundle's name could put a program of theirs where ours would be, after a cleaner of /tmp took it away.
func TestWhatSomebodyElsePutIntoTmpIsNotStarted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("left out, since it needs root: a folder of another user")
	}
	o, c := options(t), world(t, "")
	c.do(t, "mount -t tmpfs -o noexec none /mnt")
	ours, _ := visit(t, c, o)
	c.do(t, "printf '#!/bin/sh\\ntouch /tmp/theirs\\n' >"+ours+"; chown -R 1234 "+tmp("/var/tmp"))
	if path, _ := visit(t, c, o); !strings.HasPrefix(path, tmp("/tmp")) {
		t.Errorf("visited: %s", path)
	}
	if out := c.do(t, "ls /tmp"); strings.Contains(out, "theirs") {
		t.Error("it was started")
	}

	// Even if it was put there between the look and the installation.
	facts := at(tmp("/var/tmp"))
	_, err := Install(t.Context(), c, facts, mustFind(t, o), 0, nil)
	if fault.CodeOf(err) != fault.HiveStartFailed || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("installed: %v", err)
	}
}

func mustFind(t *testing.T, o Options) bundle.Bundle {
	t.Helper()
	b, err := bundle.Find(o.Getenv, o.Executable, bundle.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
