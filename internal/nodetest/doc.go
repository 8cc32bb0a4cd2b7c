// Package nodetest holds the tests of nodes that are reached over SSH, on real hosts of the test bed and with the
// programs as they ship, seen from outside. It has no code of its own.
package nodetest
