package testbed

import (
	"errors"
	"fmt"
)

// How is a way in which a host loses its connection.
type How int

const (
	// RST: connections are reset on both sides at once, new ones are refused.
	RST How = iota
	// LinkDown: the cable is out; the host sees its carrier go, and the others get no answer.
	LinkDown
	// DropIn: packets to the host vanish. It can still send, and does not know.
	DropIn
	// DropOut: packets from the host vanish.
	DropOut
	// DropBoth: both vanish.
	DropBoth
)

func (how How) String() string {
	return [...]string{"RST", "LinkDown", "DropIn", "DropOut", "DropBoth"}[how]
}

// Filters of the host's own wire; its loopback stays as it is. On the way out, reject answers the sender, so both
// sides see a reset.
var filters = map[How][]string{
	RST: {
		"add rule inet cut in iif eth0 meta l4proto tcp reject with tcp reset", "add rule inet cut in iif eth0 drop",
		"add rule inet cut out oif eth0 tcp flags & rst == rst accept",
		"add rule inet cut out oif eth0 meta l4proto tcp reject with tcp reset", "add rule inet cut out oif eth0 drop",
	},
	DropIn:   {"add rule inet cut in iif eth0 drop"},
	DropOut:  {"add rule inet cut out oif eth0 drop"},
	DropBoth: {"add rule inet cut in iif eth0 drop", "add rule inet cut out oif eth0 drop"},
}

const noFilter = "add table inet cut\ndelete table inet cut\n"

// Cut takes the host off the network until Heal, instead of any cut before.
func (h *Host) Cut(how How) error {
	if err := h.bed.needsRoot(h.bed.Caps.Cut, "Cut("+how.String()+")"); err != nil {
		return err
	}
	if how == LinkDown {
		// Down before the last cut's filter goes: between the two a packet that is sent again would pass.
		return errors.Join(h.bed.net.hub.ip(fmt.Sprintf("link set %s down", port(h.number))), h.filter(""))
	}
	rules := "add table inet cut\nadd chain inet cut in { type filter hook input priority 1; }\nadd chain inet cut out { type filter hook output priority 1; }\n"
	for _, r := range filters[how] {
		rules += r + "\n"
	}
	if how == RST {
		// Before the filter, which would reject the resets that this sends.
		if _, err := h.ns.run("", "ss", "-K", "-H", "-t", "state", "connected", "src", h.Addr); err != nil {
			return err
		}
	}
	return errors.Join(h.filter(rules), h.bed.net.hub.ip(fmt.Sprintf("link set %s up", port(h.number))))
}

// filter replaces the filter of the last cut.
func (h *Host) filter(rules string) error {
	_, err := h.ns.run(noFilter+rules, "nft", "-f", "-")
	return err
}

// Heal undoes Cut and Slow.
func (h *Host) Heal() error {
	if err := h.bed.needsRoot(h.bed.Caps.Cut, "Heal"); err != nil {
		return err
	}
	return errors.Join(h.filter(""), h.fast(), h.bed.net.hub.ip(fmt.Sprintf("link set %s up", port(h.number))))
}
