package sshconn

import (
	"slices"
	"strings"
	"testing"

	"rbee/internal/fault"
)

func TestAListOfAlgorithmsIsReadAsOpenSSHReadsIt(t *testing.T) {
	base, possible := []string{"a-1", "a-2", "b"}, []string{"a-1", "a-2", "b", "weak"}
	for spec, want := range map[string]string{
		"":               "a-1,a-2,b",
		"b,a-1":          "b,a-1",
		"b,unknown":      "b",
		"+weak":          "a-1,a-2,b,weak",
		"+a-1":           "a-1,a-2,b",
		"^b,weak":        "b,weak,a-1,a-2",
		"-a-*":           "b",
		"-unknown":       "a-1,a-2,b",
		"a-*":            "a-1,a-2",
		"unknown":        "",
		"-a-*,b":         "",
		"+":              "a-1,a-2,b",
		"^unknown,a-2,b": "a-2,b,a-1",
	} {
		got, err := adjust(spec, base, possible)
		if strings.Join(got, ",") != want || (err == nil) != (want != "") {
			t.Errorf("%q: %v, %v, want %s", spec, got, err, want)
		}
	}
	if !slices.Equal(base, []string{"a-1", "a-2", "b"}) {
		t.Errorf("the default was changed: %v", base)
	}
}

// An old server is reached by the same lines that ssh needs, and not without.
func TestAnOldServerNeedsItsAlgorithmsAllowed(t *testing.T) {
	rsa := key(t, t.TempDir(), "rsa", "-t", "rsa")
	for option, line := range map[string]string{
		"KexAlgorithms diffie-hellman-group1-sha1":                     "KexAlgorithms +diffie-hellman-group1-sha1",
		"Ciphers aes128-cbc":                                           "Ciphers +aes128-cbc",
		"HostKeyAlgorithms ssh-rsa\nHostKey " + rsa:                    "HostKeyAlgorithms +ssh-rsa",
		"Ciphers aes128-ctr\nMACs hmac-sha2-512-etm@openssh.com":       "MACs ^hmac-sha2-512-etm@openssh.com",
		"Ciphers aes128-ctr\nMACs hmac-sha1\nKexAlgorithms ecdh-sha2*": "MACs hmac-sha1",
	} {
		t.Run(line, func(t *testing.T) {
			s, h := serve(t, strings.Split(strings.Replace(option, "ecdh-sha2*", "ecdh-sha2-nistp256", 1), "\n")...), newHome(t)
			if strings.Contains(option, "HostKey ") {
				s.hostKey = public(t, rsa+".pub")
			}
			h.knows(t, s)
			h.host("mac", s, line)
			works(t, h.resolve(t, "mac"), Options{})
			if !strings.Contains(line, "+") {
				return
			}
			h = &home{dir: h.dir}
			h.host("mac", s)
			err := refused(t, h.resolve(t, "mac"), Options{Notify: once(t)}, fault.SSHUnreachable)
			if !strings.Contains(err.Hint, "very old") {
				t.Errorf("%s\n%s", err.Message, err.Hint)
			}
		})
	}
}

func TestAlgorithmsNobodyKnowsAreRefused(t *testing.T) {
	h := newHome(t)
	for _, line := range []string{"Ciphers rot13", "MACs none", "KexAlgorithms quantum", "HostKeyAlgorithms -*"} {
		h.config.Reset()
		h.host("mac", &server{dir: h.dir, port: freePort(t), user: "ana"}, line)
		err := refused(t, h.resolve(t, "mac"), Options{Notify: once(t)}, fault.InvalidRequest)
		if name, _, _ := strings.Cut(line, " "); !strings.Contains(err.Message, name) {
			t.Errorf("%s: %s", line, err.Message)
		}
	}
}

func TestTheAddressFamilyAndTheBindAddressAreKept(t *testing.T) {
	s, h := serve(t), newHome(t)
	h.knows(t, s)
	h.host("four", s, "AddressFamily inet", "BindAddress 127.0.0.2")
	h.host("six", s, "AddressFamily inet6")
	h.host("bad", s, "BindAddress eth0")
	if out, _ := output(t, dial(t, h.resolve(t, "four"), Options{}), "env"); !strings.Contains(out, "SSH_CLIENT=127.0.0.2 ") {
		t.Errorf("%q", out)
	}
	refused(t, h.resolve(t, "six"), Options{}, fault.SSHUnreachable)
	refused(t, h.resolve(t, "bad"), Options{}, fault.InvalidRequest)
}
