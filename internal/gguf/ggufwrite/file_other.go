//go:build !linux

package ggufwrite

import "io"

// writeUnnamed: only Linux has files without a name.
func writeUnnamed(string, func(io.Writer) error) (done bool, err error) { return false, nil }
