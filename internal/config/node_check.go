package config

import (
	"fmt"
	"math"
)

// Problem is what is wrong with one field of a Node.
type Problem struct {
	Field   string // as in the file: host, models_dir, ...
	Value   string // as an error shows it
	Allowed string
}

// Problem returns the first field that could not be in a config file, or nil. The zero value of a field is none.
func (n Node) Problem() *Problem {
	if n.Command != nil && (n.Host != "" || n.Port != 0 || n.User != "" || len(n.Identity) > 0 || n.Jump != "") {
		return &Problem{"command", shown(n.Command[0]), "nothing when host, port, user, identity or jump are given: it is instead of them"}
	}
	if len(n.Command) > 0 && n.Command[0] == "" {
		return &Problem{"command", "empty", "a program"}
	}
	if n.Port < 0 || n.Port > 65535 {
		return &Problem{"port", fmt.Sprint(n.Port), "1 to 65535"}
	}
	if n.Weight < 0 || n.Weight > maxWeight || math.IsNaN(n.Weight) {
		return &Problem{"weight", fmt.Sprint(n.Weight), fmt.Sprintf("more than 0, up to %d", maxWeight)}
	}
	for _, f := range []struct {
		field  string
		values []string
		check  func(string) string
	}{
		{"host", some(n.Host), hostProblem},
		{"user", some(n.User), userProblem},
		{"identity", n.Identity, pathProblem},
		{"jump", some(n.Jump), jumpProblem},
		{"command", n.Command, argProblem},
		{"models_dir", some(n.ModelsDir), pathProblem},
		{"cache_dir", some(n.CacheDir), pathProblem},
		{"devices", n.Devices, deviceProblem},
	} {
		for _, v := range f.values {
			if allowed := f.check(v); allowed != "" {
				return &Problem{f.field, shown(v), allowed}
			}
		}
	}
	return nil
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
