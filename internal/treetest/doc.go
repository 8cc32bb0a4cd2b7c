// Package treetest holds the tests of the whole tree, on real processes, seen from outside. It has no code of its
// own.
package treetest
