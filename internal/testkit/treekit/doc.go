// Package treekit is what tests of whole trees share: the programs, built once, and one command among them that is
// watched from outside, on this machine.
package treekit
