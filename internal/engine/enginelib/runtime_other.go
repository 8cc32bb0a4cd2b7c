//go:build !linux

package enginelib

// checkRuntime finds nothing missing: on these platforms the binding brings its own libffi.
func checkRuntime(func(string) string) error { return nil }
