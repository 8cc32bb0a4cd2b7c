// Package treetest holds the tests of the whole tree, on real processes, seen from outside. It has no code of its own.
// Which test, here or elsewhere, shows what: behaviours_test.go.
package treetest
