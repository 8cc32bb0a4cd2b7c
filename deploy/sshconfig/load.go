package sshconfig

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Query is what is known before any file is read.
type Query struct {
	Name      string // the host argument of ssh
	HostName  string // these three: from a command line, so they win over every file
	User      string
	Port      string
	LocalUser string
	Home      string // of ~ and of relative Includes in the user's file
	Files     []File // in order
	// Exec answers "Match exec": whether the command returned 0. nil makes such a line an error.
	Exec func(command string) (bool, error)
	// Expand replaces the tokens in the command of Match exec.
	Expand func(c *Config, s string) (string, error)
}

// loader is one walk, or two, over the files.
type loader struct {
	Query
	c         *Config
	host      string   // what Host lines are held against
	final     bool     // the second walk
	hosts     []string // the patterns of all Host lines
	wantFinal bool
}

// Load reads the files for one name.
func Load(q Query) (*Config, error) {
	c := &Config{values: map[string][]Value{}}
	for key, v := range map[string]string{"hostname": q.HostName, "user": q.User, "port": q.Port} {
		if v != "" {
			c.values[key] = []Value{{Args: []string{v}, Raw: v}}
		}
	}
	l := &loader{Query: q, c: c, host: q.Name}
	if err := l.walk(); err != nil {
		return nil, err
	}
	switch canonical := c.Get("canonicalizehostname"); strings.ToLower(canonical) {
	case "", "no", "false", "none":
		if !l.wantFinal {
			return c, nil
		}
	default:
		if c.Get("canonicaldomains") != "" && strings.Count(c.HostName(q.Name), ".") <= c.Int("canonicalizemaxdots", 1) {
			return nil, fmt.Errorf("%s: CanonicalizeHostname %s is not supported: give %s a HostName", c.values["canonicalizehostname"][0].Pos, canonical, q.Name)
		}
	}
	l.host, l.final = c.HostName(q.Name), true
	c.values["hostname"] = []Value{{Args: []string{l.host}, Raw: l.host}}
	return c, l.walk()
}

// Hosts lists the names that Host lines spell out, without wildcards, in order and each once. Nothing is run for it: a
// Match exec counts as not matching.
func Hosts(home string, files []File) ([]string, error) {
	l := &loader{Query: Query{Home: home, Files: files, Exec: func(string) (bool, error) { return false, nil },
		Expand: func(_ *Config, s string) (string, error) { return s, nil }}, c: &Config{values: map[string][]Value{}}}
	if err := l.walk(); err != nil {
		return nil, err
	}
	var names []string
	for _, h := range l.hosts {
		if !strings.ContainsAny(h, "*?!") && !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	return names, nil
}

func (l *loader) walk() error {
	for _, f := range l.Files {
		err := l.file(f, 0, true)
		if err != nil && (f.Required || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// file reads one file. Nothing in it counts if active is false: it is included from a block that does not match.
func (l *loader) file(f File, depth int, active bool) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: Includes nest deeper than %d", f.Path, maxDepth)
	}
	text, err := f.read()
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile)
	on := active
	for n := 1; lines.Scan(); n++ {
		pos := fmt.Sprintf("%s:%d", f.Path, n)
		key, rest := next(strings.TrimRight(lines.Text(), blank+"\f"))
		if key = strings.ToLower(key); key == "" || key[0] == '#' {
			continue
		}
		switch key {
		case "host":
			var patterns []string
			if patterns, err = split(rest); err == nil {
				l.hosts = append(l.hosts, patterns...)
				matched, specific := matchPatterns(patterns, l.host)
				if on = active && matched; on && specific {
					l.c.Known = true
				}
			}
		case "match":
			var matched bool
			if matched, err = l.match(rest, active); err == nil {
				on = active && matched
			}
		case "include":
			err = l.include(f, rest, depth, on)
		default:
			if on {
				err = l.c.set(key, rest, pos)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", pos, err)
		}
	}
	return lines.Err()
}
