// Notice writes the NOTICE file: every module that is linked into the given packages, with its licence and whose it
// is, as its own LICENSE file says, and the NOTICE texts that the Apache licence asks to carry along.
//
//	notice PACKAGE... > NOTICE
//
// It fails on a licence it does not know, so that nothing comes in unread.
package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// platforms are those we build for; a module may be linked on one only.
var platforms = []string{"linux", "darwin"}

type module struct{ path, version, dir string }

func main() {
	text, err := notice(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
	fmt.Print(text)
}

func notice(packages []string) (string, error) {
	modules, err := linked(packages)
	if err != nil {
		return "", err
	}
	var b, carried strings.Builder
	b.WriteString(head)
	for _, m := range modules {
		text, err := licenceText(m.dir)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.path, err)
		}
		kind := classify(text)
		if kind == "" {
			return "", fmt.Errorf("%s: unknown licence in %s", m.path, m.dir)
		}
		fmt.Fprintf(&b, "%s %s\n    %s\n", m.path, m.version, kind)
		for _, owner := range owners(text) {
			fmt.Fprintf(&b, "    %s\n", owner)
		}
		if n, err := os.ReadFile(filepath.Join(m.dir, "NOTICE")); err == nil {
			fmt.Fprintf(&carried, "\n---- NOTICE of %s\n\n%s\n", m.path, strings.TrimSpace(string(n)))
		}
	}
	return b.String() + carried.String(), nil
}

const head = `rbee
Licensed under the Apache License, Version 2.0; the text is in the file LICENSE.

The inference engine is not part of this source. It is fetched as prebuilt shared libraries, and an installation
or a release archive carries them unchanged:

llama.cpp and ggml (https://github.com/ggml-org/llama.cpp)
    MIT
    Copyright (c) The ggml authors
node-llama-cpp's packages of them, @node-llama-cpp/* (https://github.com/withcatai/node-llama-cpp)
    MIT
    Copyright (c) 2024 Gilad S.

The programs contain these Go modules, besides the Go standard library (BSD-3-Clause, Copyright 2009 The Go
Authors). The full text of each licence lies in the module.

`

// linked returns the modules whose packages the given ones import, on any platform, by path.
func linked(packages []string) ([]module, error) {
	found := map[string]module{}
	for _, goos := range platforms {
		c := exec.Command("go", append([]string{"list", "-deps", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}"}, packages...)...)
		c.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
		c.Stderr = os.Stderr
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", goos, err)
		}
		for line := range strings.Lines(string(out)) {
			if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
				found[f[0]] = module{f[0], f[1], f[2]}
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b module) int { return strings.Compare(a.path, b.path) }), nil
}

func licenceText(dir string) (string, error) {
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "License", "LICENCE", "COPYING", "license"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return string(b), nil
		}
	}
	return "", fmt.Errorf("no licence file in %s", dir)
}

var blanks = regexp.MustCompile(`\s+`)

// classify names a licence (SPDX) by a sentence that only it has; "" for one it does not know.
func classify(text string) string {
	text = strings.ToLower(blanks.ReplaceAllString(text, " "))
	for _, l := range []struct{ name, sentence string }{
		{"Apache-2.0", "apache license version 2.0"},
		{"Apache-2.0", "apache license, version 2.0"}, // the short form
		{"MPL-2.0", "mozilla public license, version 2.0"},
		{"MPL-2.0", "mozilla public license version 2.0"},
		{"BSD-3-Clause", "may be used to endorse or promote products"},
		{"BSD-2-Clause", "redistributions in binary form must reproduce"},
		{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"},
		{"MIT", "permission is hereby granted, free of charge"},
	} {
		if strings.Contains(text, l.sentence) {
			return l.name
		}
	}
	return ""
}

var copyright = regexp.MustCompile(`(?mi)^[ \t]*(copyright (\(c\)|©|[0-9]{4}).*[a-z].*?)[ \t]*$`)

// owners returns the copyright lines of a licence, without the blank form at the end of Apache's.
func owners(text string) []string {
	var found []string
	for _, m := range copyright.FindAllStringSubmatch(text, -1) {
		if line := strings.TrimSpace(m[1]); !strings.ContainsAny(line, "[]{}") && !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found
}
