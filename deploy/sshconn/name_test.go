package sshconn

import (
	"strings"
	"testing"

	"rbee/internal/fault"
)

func TestANameIsTakenApart(t *testing.T) {
	for given, want := range map[string]name{
		"mac":                   {host: "mac"},
		"ana@mac":               {user: "ana", host: "mac"},
		"ana@mac:2222":          {user: "ana", host: "mac", port: "2222"},
		"ana@corp@mac":          {user: "ana@corp", host: "mac"},
		`CORP\ana@mac`:          {user: `CORP\ana`, host: "mac"},
		"10.0.0.5:22":           {host: "10.0.0.5", port: "22"},
		"::1":                   {host: "::1"},
		"[::1]":                 {host: "::1"},
		"[::1]:2222":            {host: "::1", port: "2222"},
		"ana@[fe80::1%eth0]:22": {user: "ana", host: "fe80::1%eth0", port: "22"},
		"ssh://ana@mac:2222":    {user: "ana", host: "mac", port: "2222"},
		"SSH://mac/":            {host: "mac"},
		"my_mac.local":          {host: "my_mac.local"},
		"büro":                  {host: "büro"},
		"mac:0022":              {host: "mac", port: "22"},
	} {
		if got, err := parseName(given); err != nil || got != want {
			t.Errorf("%s: %+v, %v", given, got, err)
		}
	}
}

var hostileNames = []string{
	"", "$(touch x)", "`touch x`", "a;b", "a b", "a\nb", "a'b", `a"b`, "a|b", "a&b", "a>b", "a<b", "a\\b", "-oProxyCommand=x", "a@-b",
	"-l@mac", "a\x00b", "a\x1b[31m", "x@", "@x", "mac:", "mac:0", "mac:65536", "mac:-1", "mac:+1", "mac:22x", "a:b:c", "[::1", "[mac]:22", "[::1]22",
	"[::1]:", "ssh://", "ssh://mac:22/path", "a*", "?", "{a,b}", "~ana", "!x", "#", "a\u202eb", strings.Repeat("a", 513), "\xff\xfe",
}

func TestANameThatMeansMoreIsRefused(t *testing.T) {
	for _, given := range hostileNames {
		if n, err := parseName(given); fault.CodeOf(err) != fault.NodeUnknown {
			t.Errorf("%q: %+v, %v", given, n, err)
		} else if f := fault.From(err); strings.ContainsAny(f.Message, "\n\x00\x1b") || len(f.Message) > 600 || f.Hint == "" {
			t.Errorf("%q: the message %q, the hint %q", given, f.Message, f.Hint)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, n := range hostileNames {
		f.Add(n)
	}
	for _, n := range []string{"mac", "ana@mac:22", "[::1]:22", "ssh://a@b:1/"} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, given string) {
		n, err := parseName(given)
		if err != nil {
			return
		}
		for _, s := range []string{n.user, n.host, n.port} {
			if strings.ContainsAny(s, " \t\r\n\x00\x1b$`'\"();&|<>*?[]{}!#~=") || strings.HasPrefix(s, "-") {
				t.Errorf("%q gives %+v", given, n)
			}
		}
	})
}
