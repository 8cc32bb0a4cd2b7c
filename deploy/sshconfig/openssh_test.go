package sshconfig

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// same is a configuration and names, for which `ssh -G` and Load must say the same. DIR is the file's folder.
var same = []struct{ fact, config, names string }{
	{"an alias", "Host mac\n HostName 10.0.0.5\n Port 2222\n User ana\n", "mac other"},
	{"the first value wins", "Host mac\n Port 1\nHost *\n Port 2\n User u\n", "mac x"},
	{"keywords in any case, and an equals sign", "hOsT mac\n\tHOSTNAME=a.example\n port = 77\nUSER\tbob\n", "mac"},
	{"identity files add up", "Host a\n IdentityFile ~/one\nHost *\n IdentityFile ~/two\n IdentityFile ~/one\n", "a b"},
	{"wildcards", "Host web-?\n Port 1\nHost web*\n Port 2\nHost *.example.com\n Port 3\n", "web-1 web- web-12 a.example.com example.com"},
	{"a negated pattern", "Host * !bad\n Port 5\n", "good bad"},
	{"several patterns and tabs between", "Host a\tb   c\n Port 6\n", "a b c d"},
	{"quotes", "Host \"mac\"\n IdentityFile \"/with blank/key\"\n User 'ana'\n", "mac"},
	{"a comment behind a value", "Host mac # mine\n Port 9 # nine\n User a#b\n", "mac #"},
	{"a command keeps its quotes and signs", "Host mac\n ProxyCommand nc -x \"a b\" %h %p # no comment\n", "mac"},
	{"a command behind an equals sign", "Host mac\n ProxyCommand=ssh -W %h:%p gate\n", "mac"},
	{"none takes a command away", "Host mac\n ProxyCommand none\nHost *\n ProxyCommand nc %h %p\n", "mac x"},
	{"of jump and command the first wins", "Host mac\n ProxyJump gate\nHost *\n ProxyCommand nc %h %p\n", "mac x"},
	{"none takes a jump away", "Host gate\n ProxyJump none\nHost *\n ProxyJump gate\n", "gate mac"},
	{"the name in HostName", "Host *\n HostName %h.example.com\n", "mac"},
	{"an include in a block counts for that block", "Host mac\n Include DIR/inc\nHost *\n Port 9\n", "mac x"},
	{"a block in an include ends with it", "Include DIR/block\nUser after\n", "mac x"},
	{"an include of a pattern, and of nothing", "Include DIR/in* DIR/nothing*\n", "mac"},
	{"match host looks at the HostName", "Host mac\n HostName real.example\nMatch host real.example\n Port 4\nMatch host mac\n Port 5\n", "mac real.example"},
	{"match originalhost looks at the name", "Host mac\n HostName real.example\nMatch originalhost mac,tosh\n Port 4\n", "mac tosh real.example"},
	{"match user", "Host mac\n User ana\nMatch user ana,bob\n Port 4\nMatch user !ana,*\n Port 5\n", "mac x"},
	{"match localuser", "Match localuser @ME@\n Port 4\nMatch localuser other\n User u\n", "mac"},
	{"match all", "Match all\n Port 4\nHost x\n User u\n", "mac x"},
	{"a negated criterion", "Match !host mac\n Port 4\n", "mac x"},
	{"several criteria", "Match originalhost mac user ana\n Port 4\nMatch originalhost mac localuser @ME@\n Port 5\n", "mac"},
	{"match exec", "Match exec \"test %n = mac\"\n Port 4\nMatch exec false\n User u\n", "mac x"},
	{"exec is not run when the answer is known", "Match originalhost x exec \"touch DIR/ran\"\n Port 4\n", "mac"},
	{"match final is a second look", "Match final host real.example\n Port 4\nHost mac\n HostName real.example\nHost real.example\n User seen\n", "mac x"},
	{"no second look without it", "Host mac\n HostName real.example\nHost real.example\n User seen\n", "mac"},
	{"lists", "Host mac\n UserKnownHostsFile /a /b\n GlobalKnownHostsFile /c\n HostKeyAlgorithms ssh-ed25519,ssh-rsa\n ConnectTimeout 3\n", "mac"},
	{"a carriage return", "Host mac\r\n Port 8\r\n", "mac"},
	{"a keyword alone in the middle", "Host mac\n\n   # comment\n Port 8\n", "mac"},
}

// normal is what both say, in one form.
func normal(get func(key string) []string) string {
	var b strings.Builder
	for _, key := range []string{"hostname", "user", "port", "identityfile", "proxyjump", "proxycommand", "userknownhostsfile",
		"globalknownhostsfile", "hostkeyalgorithms", "connecttimeout"} {
		v := get(key)
		v = slices.DeleteFunc(v, func(s string) bool { return s == "none" || s == "" })
		if len(v) > 0 {
			fmt.Fprintf(&b, "%s %s\n", key, strings.Join(v, "|"))
		}
	}
	return b.String()
}

func openssh(t *testing.T, config, name string, defaults map[string][]string) string {
	t.Helper()
	out, err := exec.Command("ssh", "-G", "-F", config, name).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh -G %s: %v: %s", name, err, out)
	}
	said := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[key] = append(said[key], value)
	}
	return normal(func(key string) []string {
		if defaults != nil && slices.Equal(said[key], defaults[key]) {
			return nil
		}
		return said[key]
	})
}

func TestWeReadAConfigurationAsOpenSSHDoes(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range same {
		t.Run(c.fact, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{
				"config": c.config, "inc": "Port 5\nHost x\n Port 6\n", "block": "Host mac\n Port 7\n", "empty": "",
			} {
				text = strings.NewReplacer("DIR", dir, "@ME@", me.Username).Replace(text)
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for name := range strings.FieldsSeq(c.names) {
				// What ssh says of a name that is nowhere are its defaults, of which Load knows nothing.
				defaults := map[string][]string{}
				out, _ := exec.Command("ssh", "-G", "-F", filepath.Join(dir, "empty"), name).Output()
				for line := range strings.Lines(string(out)) {
					key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
					if key != "hostname" {
						defaults[key] = append(defaults[key], value)
					}
				}
				want := openssh(t, filepath.Join(dir, "config"), name, defaults)
				got, err := Load(Query{
					Name: name, LocalUser: me.Username, Home: dir, Files: []File{{Path: filepath.Join(dir, "config"), User: true, Required: true}},
					Exec:   func(command string) (bool, error) { return exec.Command("sh", "-c", command).Run() == nil, nil },
					Expand: func(_ *Config, s string) (string, error) { return strings.ReplaceAll(s, "%n", name), nil },
				})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				said := normal(func(key string) []string {
					switch key {
					case "hostname":
						return []string{got.HostName(name)}
					case "proxycommand":
						return []string{got.Raw(key)}
					}
					var all []string
					for _, v := range got.All(key) {
						all = append(all, strings.Join(v.Args, " "))
					}
					return all
				})
				if said != want {
					t.Errorf("%s:\nLoad says\n%sssh -G says\n%s", name, said, want)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
				t.Error("a command was run for nothing")
			}
		})
	}
}
