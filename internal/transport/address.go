package transport

import (
	"fmt"
	"strconv"
	"strings"
)

// Separator joins the lives of an address. It survives gRPC's :authority and cannot be taken for the '/' of PIDs.
const Separator = "~"

// maxAddress bounds an address on the wire: its length is one byte in the preamble.
const maxAddress = 255

// Within says whether address a is the life root or lies below it.
func Within(a, root string) bool {
	return a == root || strings.HasPrefix(a, root+Separator)
}

// Join returns the address of life number life of the child called name below owner.
func Join(owner, name string, life int) string {
	return owner + Separator + name + "." + strconv.Itoa(life)
}

// Base returns the last part of an address: "worker-3.1".
func Base(a string) string { return a[strings.LastIndex(a, Separator)+1:] }

// IsChild says whether a is a direct child of owner.
func IsChild(a, owner string) bool {
	rest, ok := strings.CutPrefix(a, owner+Separator)
	return ok && !strings.Contains(rest, Separator)
}

// SafeName makes a name of foreign origin (a node as the user typed it) fit to be part of an address.
func SafeName(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			b.WriteRune(r)
		} else {
			b.WriteByte('-')
		}
	}
	if s := b.String(); len(s) > 40 {
		return s[:40]
	}
	return b.String()
}

// CheckAddress refuses what cannot be an address: it is foreign input in the preamble of a stream. A life has one
// way to be written ("1", not "01").
func CheckAddress(a string) error {
	if a == "" || len(a) > maxAddress {
		return fmt.Errorf("address of %d bytes, want 1 to %d", len(a), maxAddress)
	}
	for part := range strings.SplitSeq(a, Separator) {
		name, life, ok := strings.Cut(part, ".")
		if n, err := strconv.Atoi(life); !ok || name == "" || err != nil || n < 1 || strconv.Itoa(n) != life || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("bad address %.60q", a)
		}
	}
	return nil
}
