package sshconfig

import (
	"fmt"
	"strconv"
	"strings"
)

// Config is what the files say about one name.
type Config struct {
	// Known: a Host or Match pattern other than "*" matched, so somebody wrote that name down.
	Known  bool
	values map[string][]Value
}

// Value is one line that counted.
type Value struct {
	Args []string // the words
	Raw  string   // the rest of the line as it is, for commands
	Pos  string   // file:line; "" if it came from outside
}

// wanted are the keywords that are kept; true: each line adds one, instead of the first winning.
var wanted = map[string]bool{
	"hostname": false, "user": false, "port": false, "tag": false,
	"identityfile": true, "certificatefile": true, "identitiesonly": false, "identityagent": false,
	"proxyjump": false, "proxycommand": false,
	"userknownhostsfile": false, "globalknownhostsfile": false, "hostkeyalias": false, "hostkeyalgorithms": false,
	"hashknownhosts": false, "revokedhostkeys": false,
	"kexalgorithms": false, "ciphers": false, "macs": false,
	"connecttimeout": false, "addressfamily": false, "bindaddress": false,
	"canonicalizehostname": false, "canonicaldomains": false, "canonicalizemaxdots": false,
}

func (c *Config) set(key, rest, pos string) error {
	adds, kept := wanted[key]
	if !kept {
		return nil
	}
	if key == "proxyjump" || key == "proxycommand" { // the first of both wins
		if len(c.values["proxyjump"])+len(c.values["proxycommand"]) > 0 {
			return nil
		}
	}
	v := Value{Raw: strings.TrimLeft(rest, blank+"="), Pos: pos}
	if key != "proxycommand" {
		args, err := split(rest)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return fmt.Errorf("%s needs a value", key)
		}
		v.Args = args
	}
	if v.Raw == "" {
		return fmt.Errorf("%s needs a value", key)
	}
	if adds || len(c.values[key]) == 0 {
		for _, old := range c.values[key] { // the second walk meets the same lines again
			if len(v.Args) > 0 && old.Args[0] == v.Args[0] {
				return nil
			}
		}
		c.values[key] = append(c.values[key], v)
	}
	return nil
}

// All returns the lines of a keyword (lower case) that counted.
func (c *Config) All(key string) []Value { return c.values[key] }

// Get returns the first word of a keyword's value, "" if there is none.
func (c *Config) Get(key string) string {
	if v := c.values[key]; len(v) > 0 && len(v[0].Args) > 0 {
		return v[0].Args[0]
	}
	return ""
}

// Raw returns the value of a command, "" if there is none or it is "none".
func (c *Config) Raw(key string) string {
	if v := c.values[key]; len(v) > 0 && !strings.EqualFold(v[0].Raw, "none") {
		return v[0].Raw
	}
	return ""
}

// Bool says whether a keyword's value is yes.
func (c *Config) Bool(key string) bool {
	switch strings.ToLower(c.Get(key)) {
	case "yes", "true":
		return true
	}
	return false
}

// Int returns a keyword's number, or def.
func (c *Config) Int(key string, def int) int {
	if n, err := strconv.Atoi(c.Get(key)); err == nil {
		return n
	}
	return def
}

// HostName is where to connect to: the HostName, whose %h is the name, or the name itself.
func (c *Config) HostName(name string) string {
	h := c.Get("hostname")
	if h == "" {
		return name
	}
	return strings.NewReplacer("%%", "%", "%h", name).Replace(h)
}
