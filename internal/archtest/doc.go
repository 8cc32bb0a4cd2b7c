// Package archtest holds the rules of the house as tests: who may import whom and why, what a state machine may
// not do, what lies at the top of the tree, and what no file may mention. It has no code of its own.
//
// Rules are about what is written in a file, whatever its build tags, so one machine checks all platforms.
package archtest
