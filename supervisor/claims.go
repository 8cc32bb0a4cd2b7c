package supervisor

import (
	"slices"
	"strings"

	"rbee/internal/proc"
	"rbee/internal/transport"
	"rbee/messages"
)

// Bounds on what a child can have its owner keep and print.
const (
	maxClaims = 1024
	maxClaim  = 300 // bytes of one text
)

// Claims is what a child says of processes, as far as it is the child's to say: of those below its life, with texts
// that fit a line. A node may be somebody else's machine.
func Claims(life string, all []*messages.ProcessEnd) []*messages.ProcessEnd {
	all = slices.DeleteFunc(slices.Clone(all), func(e *messages.ProcessEnd) bool {
		return e.GetAddress() == life || !transport.Within(e.GetAddress(), life)
	})
	all = all[:min(len(all), maxClaims)]
	for _, e := range all {
		for _, text := range []*string{&e.Name, &e.Host, &e.Cause} {
			if *text = strings.Join(strings.Fields(proc.Clean(*text)), " "); len(*text) > maxClaim {
				*text = strings.ToValidUTF8((*text)[:maxClaim], "") + "..."
			}
		}
	}
	return all
}
