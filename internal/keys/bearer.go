package keys

import "strings"

// maxSecret is far more than a key of ours, or a token that a client sends because it must send one.
const maxSecret = 4096

// Bearer returns what an Authorization header presents. "" and true: there is no header; false: it is none of ours to
// read (another scheme, no token, or bytes that RFC 6750 does not have in one).
func Bearer(header []string) (secret string, ok bool) {
	switch len(header) {
	case 0:
		return "", true
	case 1:
	default: // which of them counts is what a smuggler would like to choose
		return "", false
	}
	scheme, secret, found := strings.Cut(header[0], " ")
	if !found || !strings.EqualFold(scheme, "bearer") || len(secret) > maxSecret {
		return "", false
	}
	if secret = strings.Trim(secret, " "); secret == "" || strings.ContainsFunc(secret, notToken) {
		return "", false
	}
	return secret, true
}

// notToken is what RFC 6750's b64token does not have.
func notToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/=", r))
}
