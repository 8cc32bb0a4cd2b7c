package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// service tells the service manager that started us, if one did, how we are: systemd's protocol is lines in a datagram
// (sd_notify(3)). Errors are dropped: a manager that does not listen is no reason to stop serving.
//
// (The library for it, go-systemd, finds the socket in the environment each time; there every hive and worker would
// find it as well, and could speak for us.)
type service struct{ socket string }

// newService takes the manager's variables out of the environment. beat is how often it wants to hear that we live; 0
// = it does not.
func newService() (s service, beat time.Duration) {
	s.socket = os.Getenv("NOTIFY_SOCKET")
	every, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err == nil && every > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		beat = time.Duration(every) * time.Microsecond / 3
	}
	for _, v := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		os.Unsetenv(v)
	}
	return s, beat
}

func (s service) tell(format string, args ...any) {
	if s.socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"}) // a leading @ is an abstract name
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, format, args...)
}

func (s service) ready(status string) { s.tell("READY=1\nSTATUS=%s", status) }

// stopping asks for the time that a drain may take.
func (s service) stopping(limit time.Duration) {
	s.tell("STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=%d", limit.Microseconds())
}

func (s service) alive() { s.tell("WATCHDOG=1") }

// reloading must name its moment, on the manager's clock.
func (s service) reloading() {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	s.tell("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}
