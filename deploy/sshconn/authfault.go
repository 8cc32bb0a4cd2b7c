package sshconn

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"rbee/internal/fault"
)

// isCause says whether a handshake that failed after the host key was verified failed for want of a key, and not
// because the way broke.
func (a *authentication) isCause(err error) bool {
	if slices.ContainsFunc(a.candidates, func(c *candidate) bool { return c.err != nil }) {
		return true
	}
	var netw net.Error
	return !errors.As(err, &netw) && !hungUp(err)
}

// failed is the error when no key was accepted.
func (a *authentication) failed(cause error) *fault.Error {
	var tried []string
	for _, c := range a.candidates {
		tried = append(tried, c.name+": "+c.state())
	}
	tried = append(tried, a.unusable...)
	shown := tried
	if len(shown) > 8 {
		shown = append(slices.Clone(shown[:8]), fmt.Sprintf("and %d more", len(tried)-8))
	}
	if len(shown) == 0 {
		shown = []string{"no key found"}
	}
	what := fmt.Sprintf("%s (%s) accepted no key of user %s", a.t.Name, a.t.Addr(), a.t.User)
	allowed := clean(strings.Join(a.allowed, ","))
	if len(a.partial) > 0 {
		what = fmt.Sprintf("%s (%s) accepted a key of user %s, but also wants %s", a.t.Name, a.t.Addr(), a.t.User, allowed)
	}
	f := fault.Wrap(fault.SSHAuthFailed, cause, "%s; %s; %s", what, a.agentState, strings.Join(shown, "; "))
	switch {
	case len(a.partial) > 0 || len(a.allowed) > 0 && !slices.Contains(a.allowed, "publickey"):
		f.WithHint("rbee offers keys only, this server takes: %s; a node can also be a command: command = [\"ssh\", ...]", allowed)
	case strings.Contains(cause.Error(), "Too many authentication failures"):
		f.WithHint("the server stopped looking after a few keys: name the right one with IdentityFile, and IdentitiesOnly yes, in ~/.ssh/config")
	case slices.ContainsFunc(a.unusable, func(s string) bool { return strings.Contains(s, "chmod") }):
		f.WithHint("%s", a.unusable[slices.IndexFunc(a.unusable, func(s string) bool { return strings.Contains(s, "chmod") })])
	case a.locked:
		f.WithHint("unlock the key first: ssh-add FILE")
	default:
		f.WithHint("if `ssh %s` asks for a password, install a key: ssh-copy-id %s; else: ssh-add FILE, or IdentityFile in ~/.ssh/config", a.t.sshArgs(), a.t.sshArgs())
	}
	return f.With("tried", tried).With("agent", a.agentState).With("allowed", allowed)
}
