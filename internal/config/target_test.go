package config

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestATargetIsReadAsSshReadsIt(t *testing.T) {
	for s, want := range map[string]Target{
		"mac":                             {Host: "mac"},
		"me@mac.local":                    {User: "me", Host: "mac.local"},
		"me@mac:2222":                     {User: "me", Host: "mac", Port: 2222},
		"me@corp@mac":                     {User: "me@corp", Host: "mac"},
		"::1":                             {Host: "::1"},
		"[::1]":                           {Host: "::1"},
		"me@[fe80::1%eth0]:22":            {User: "me", Host: "fe80::1%eth0", Port: 22},
		"ssh://me@mac:2222":               {User: "me", Host: "mac", Port: 2222},
		"b\u00fccher.example":             {Host: "b\u00fccher.example"},
		"under_score":                     {Host: "under_score"},
		"192.168.1.5:65535":               {Host: "192.168.1.5", Port: 65535},
		strings.Repeat("h", 255):          {Host: strings.Repeat("h", 255)},
		strings.Repeat("ü", 128) + "@mac": {User: strings.Repeat("ü", 128), Host: "mac"},
		"2001:db8::7":                     {Host: "2001:db8::7"},
		"CORP\\me@mac":                    {User: "CORP\\me", Host: "mac"},
		"ssh://[2001:db8::7]:22/":         {Host: "2001:db8::7", Port: 22},
		"a.very-long.name.example.or":     {Host: "a.very-long.name.example.or"},
	} {
		got, allowed := ParseTarget(s)
		if allowed != "" || got != want {
			t.Errorf("%q: %+v (%s)", s, got, allowed)
		}
	}
}

func TestWhatIsNoTargetIsRefused(t *testing.T) {
	for _, s := range []string{"", "@mac", "me@", "-oProxyCommand=x", "me@-l", "-l@mac", "mac:", "mac:0", "mac:65536", "mac:ssh", "[mac]", "[::1",
		"[::1]22", "a b", "a\nb", "$(touch x)", "a;b", "a/b", "a`b`", "me me@mac", "a\x00", "a\u202eb", "[]", "[]:22", "[:]", "a:b:c", "mac%eth0", "fe80::1%$(x)", strings.Repeat("h", 256), strings.Repeat("ü", 129) + "@mac"} {
		if got, allowed := ParseTarget(s); allowed == "" {
			t.Errorf("%q is read as %+v", s, got)
		}
	}
}

// Every process of the tree pays for what the packages do at its start, before it can say hello.
func TestThePackageCostsLittleAtTheStart(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run=^$")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := regexp.MustCompile(`init rbee/internal/config @.* (\d+) bytes`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("the runtime did not tell:\n%s", out)
	}
	if n, err := strconv.Atoi(string(m[1])); err != nil || n > 1<<20 {
		t.Errorf("%s bytes are allocated at the start, allowed is 1 MiB", m[1])
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"me@mac:22", "[::1]:22", "ssh://a@b", "::1", "me@corp@[fe80::1%e]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, allowed := ParseTarget(s)
		if allowed != "" {
			return
		}
		if again, allowed := ParseTarget(got.String()); allowed != "" || again != got {
			t.Errorf("%q: %+v is written as %q, which is read as %+v (%s)", s, got, got.String(), again, allowed)
		}
		if strings.HasPrefix(got.Host, "-") || strings.ContainsAny(got.Host, " \n\x00$`;&|<>()'\"\\/@") || got.Host == "" {
			t.Errorf("%q: host %q", s, got.Host)
		}
	})
}
