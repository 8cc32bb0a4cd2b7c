package sshconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func load(t testing.TB, name, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Query{Name: name, LocalUser: "me", Home: filepath.Dir(path), Files: []File{{Path: path, User: true}}})
}

func TestANameIsKnownWhenSomebodyWroteItDown(t *testing.T) {
	for _, c := range []struct {
		config, name string
		want         bool
	}{
		{"Host mac\n", "mac", true},
		{"Host mac\n", "tosh", false},
		{"Host *\n Port 3\n", "mac", false},
		{"Host m*\n", "mac", true},
		{"Host * !mac\n", "mac", false},
		{"Match all\n", "mac", false},
		{"Match originalhost mac\n", "mac", true},
		{"Match originalhost mac user other\n", "mac", false},
		{"Match !originalhost tosh\n", "mac", false},
	} {
		got, err := load(t, c.name, c.config)
		if err != nil {
			t.Fatal(err)
		}
		if got.Known != c.want {
			t.Errorf("%q: %s is known: %v", c.config, c.name, got.Known)
		}
	}
}

func TestWhatCannotBeAnsweredNamesTheLine(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{"Port 1\nMatch localnetwork 10.0.0.0/8\n", "config:2: criterion localnetwork of Match is not supported"},
		{"Match exec true\n", "config:1: the criterion exec of Match is not run here"},
		{"Match\n", "config:1: a Match without a criterion"},
		{"Match host\n", "config:1: criterion host of Match needs a value"},
		{"\n\nUser \"open\n", "config:3: a quote is never closed"},
		{"Port\n", "config:1: port needs a value"},
		{"CanonicalizeHostname yes\nCanonicalDomains example.com\n", "CanonicalizeHostname yes is not supported: give mac a HostName"},
		{"Include ~ana/config\n", "config:1: cannot follow Include ~ana/config"},
	} {
		_, err := load(t, "mac", c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.config, err, c.want)
		}
	}
}

func TestACriterionThatIsNotReachedNeedNotBeKnown(t *testing.T) {
	c, err := load(t, "mac", "Match originalhost tosh localnetwork 10.0.0.0/8\n Port 3\nMatch originalhost tosh exec true\n Port 4\n")
	if err != nil || c.Get("port") != "" {
		t.Errorf("port %q, %v", c.Get("port"), err)
	}
}

func TestAFileThatIncludesItselfIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("Include "+path+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Query{Name: "mac", Files: []File{{Path: path, User: true}}})
	if err == nil || !strings.Contains(err.Error(), "deeper than 16") {
		t.Error(err)
	}
}

// Its ProxyCommand would be run as this user.
func TestAFileThatOthersCanWriteIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("Host mac\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Query{Name: "mac", Files: []File{{Path: path, User: true}}})
	if err == nil || !strings.Contains(err.Error(), "chmod go-w "+path) {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	for _, c := range same {
		name, _, _ := strings.Cut(c.names, " ")
		f.Add(c.config, name)
	}
	f.Add("Match host \"\n", "x")
	f.Add("Host *a*a*a*a*a*a*a*b\n", strings.Repeat("a", 200))
	f.Fuzz(func(t *testing.T, text, name string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // would read other files
		}
		c, err := load(t, name, text)
		if err != nil {
			return
		}
		for key, adds := range wanted {
			if v := c.All(key); !adds && len(v) > 1 {
				t.Errorf("%s has %d values", key, len(v))
			}
		}
		c.HostName(name)
	})
}
