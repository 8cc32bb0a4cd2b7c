// Package shelf says what models a machine's disk holds, and looks after them: list, describe, verify, delete, count.
//
// It is package models with words for people: the same functions answer `rbee model` about this machine and, in a
// hive, about a node. Its types are what --json prints, and what a hive sends up.
package shelf
