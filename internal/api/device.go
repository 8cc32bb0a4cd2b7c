package api

import (
	"regexp"
	"strings"
)

var (
	backendName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)
	workerName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	deviceName  = regexp.MustCompile(`^([a-z][a-z0-9]{0,15}:)?[0-9]{1,3}$`)
)

// backend checks the form only: which there are, the node knows.
func backend(field, s string) *FieldError {
	if s == "" || backendName.MatchString(s) {
		return nil
	}
	return &FieldError{field, shown(s), "cpu, cuda, vulkan or metal"}
}

func device(field, s, backend string) *FieldError {
	if s == "" {
		return nil
	}
	if !deviceName.MatchString(s) {
		return &FieldError{field, shown(s), `a number, or a backend and a number: "cuda:1"`}
	}
	if of, _, ok := strings.Cut(s, ":"); ok && backend != "" && of != backend {
		return &FieldError{field, shown(s), "a device of the backend " + backend}
	}
	return nil
}

func worker(field, s string) *FieldError {
	if s != "" && !workerName.MatchString(s) {
		return &FieldError{field, shown(s), "a kind of worker: letters, digits, dot, dash and underscore, 64 at most"}
	}
	return nil
}
