package main

import (
	"slices"
	"strings"
	"testing"
)

func TestLicencesAreToldApart(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"  Apache License\n     Version 2.0, January 2004", "Apache-2.0"},
		{"Mozilla Public License, version 2.0", "MPL-2.0"},
		{"Redistributions in binary\nform must reproduce ... may be used to endorse or promote\nproducts", "BSD-3-Clause"},
		{"Redistributions in binary form must reproduce", "BSD-2-Clause"},
		{"Permission is hereby granted, free of charge, to any", "MIT"},
		{"All rights reserved.", ""},
	} {
		if got := classify(c.text); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
	}
}

func TestOwnersAreTheCopyrightLines(t *testing.T) {
	text := "The MIT License\n\nCopyright (c) 2019 A. Author \nCopyright 2020 B\nCopyright [yyyy] [name of owner]\nCopyright notice and so on"
	if got, want := owners(text), []string{"Copyright (c) 2019 A. Author", "Copyright 2020 B"}; !slices.Equal(got, want) {
		t.Errorf("owners %q, want %q", got, want)
	}
}

func TestNoticeNamesWhatIsLinked(t *testing.T) {
	text, err := notice([]string{"rbee/internal/registry"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "\ngoogle.golang.org/protobuf v") || strings.Contains(text, "pgregory.net/rapid") {
		t.Errorf("registry links protobuf and, outside its tests, not rapid:\n%s", text)
	}
}
