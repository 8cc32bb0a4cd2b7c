package testbed

import (
	"errors"
	"fmt"
	"time"
)

// Line is what a host's cable is like. The zero value is as fast as the machine.
type Line struct {
	Rate  int64         // bits a second, each way; 0: no limit
	Delay time.Duration // one way, so a round trip takes twice that
	Loss  float64       // share of the packets that are lost, each way, 0 to 1
}

// maxDelay bounds what the forwarder has to hold.
const maxDelay = 10 * time.Second

// Slow makes the host's line like that until Heal, instead of any Slow before; cuts stay.
//
// The rate is the kernel's (a token bucket at both ends of the cable, with room for 200 ms of traffic, as home
// routers have). Delay and loss are the bed's own (see forwarder), since not every kernel has netem: they hit packets,
// so TCP meets them as it does on a real line.
func (h *Host) Slow(l Line) error {
	if err := h.bed.needsRoot(h.bed.Caps.Slow, "Slow"); err != nil {
		return err
	}
	if l.Rate < 0 || l.Delay < 0 || l.Delay > maxDelay || l.Loss < 0 || l.Loss > 1 {
		return fmt.Errorf("%+v is no line: the delay is %v at most, the loss between 0 and 1", l, maxDelay)
	}
	err := errors.Join(h.fast(), h.bed.plain())
	if err != nil {
		return err
	}
	if l.Rate > 0 {
		// A bucket must hold what the kernel lets through between two ticks, and one packet at least.
		bucket := fmt.Sprintf("root tbf rate %dbit burst %d latency 200ms", l.Rate, max(5000, l.Rate/8/100))
		if _, err := h.ns.run("qdisc add dev eth0 "+bucket+"\n", "tc", "-batch", "-"); err != nil {
			return err
		}
		if _, err := h.bed.net.hub.run("qdisc add dev "+port(h.number)+" "+bucket+"\n", "tc", "-batch", "-"); err != nil {
			return err
		}
		h.limited = true
	}
	if l.Delay > 0 || l.Loss > 0 {
		return h.detour(l)
	}
	return nil
}

// detour unplugs the host from the bridge and carries its packets by hand, over a second cable:
//
//	eth0 === portN   forwarder   handN === farN (bridge)
func (h *Host) detour(l Line) error {
	hub := h.bed.net.hub
	hand, far := fmt.Sprintf("hand%d", h.number), fmt.Sprintf("far%d", h.number)
	if err := hub.ip(
		fmt.Sprintf("link add %s type veth peer name %s", hand, far),
		fmt.Sprintf("link set %s addrgenmode none up", hand),
		fmt.Sprintf("link set %s nomaster", port(h.number)),
		fmt.Sprintf("link set %s addrgenmode none master br0 up", far),
	); err != nil {
		return err
	}
	var err error
	h.forward, err = hub.forward(port(h.number), hand, l)
	return err
}

// fast undoes Slow.
func (h *Host) fast() error {
	hub := h.bed.net.hub
	var errs []error
	if h.limited {
		_, err1 := h.ns.run("qdisc del dev eth0 root\n", "tc", "-batch", "-")
		_, err2 := hub.run("qdisc del dev "+port(h.number)+" root\n", "tc", "-batch", "-")
		errs = append(errs, err1, err2)
		h.limited = false
	}
	if h.forward != nil {
		h.forward.close()
		h.forward = nil
		errs = append(errs, hub.ip(fmt.Sprintf("link del hand%d", h.number), fmt.Sprintf("link set %s master br0", port(h.number))))
	}
	return errors.Join(errs...)
}
