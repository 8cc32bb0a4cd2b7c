package deploy

import "testing"

func TestCacheRootIsKnownFromTheProgramsOwnPath(t *testing.T) {
	for exe, want := range map[string]string{
		"/home/bee/.cache/rbee/bundles/0123abcd/bin/rbee-hive": "/home/bee/.cache/rbee",
		"/tmp/rbee-1000/bundles/0123abcd/bin/rbee-hive":        "/tmp/rbee-1000",
		"/usr/local/bin/rbee-hive":                             "",
		"/srv/bundles/bin/rbee-hive":                           "",
	} {
		if got, ok := CacheRoot(exe); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", exe, got, ok, want)
		}
	}
}
