package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"time"

	"rbee/internal/fault"
	"rbee/internal/fresh"
)

// secure is the TLS configuration of a certificate and its key in PEM files, which are read again when they change:
// certificates of today live for weeks. nil without files.
func secure(cert, key string, log *slog.Logger) (*tls.Config, *fresh.Value[*tls.Certificate], error) {
	if cert == "" {
		return nil, nil, nil
	}
	load := func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fault.Wrap(fault.InvalidRequest, err, "cannot use the certificate %s with the key %s: %v", cert, key, err).
				WithHint("both are PEM files; the certificate comes first in its file, then those that it is signed with")
		}
		if info, err := os.Stat(key); err == nil && info.Mode().Perm()&0o077 != 0 {
			log.Warn("others can read the private key", "path", key, "mode", info.Mode().Perm().String(), "hint", "chmod 600 "+key)
		}
		if now := time.Now(); now.After(c.Leaf.NotAfter) || now.Before(c.Leaf.NotBefore) {
			log.Warn("the certificate does not count now", "path", cert, "not_before", c.Leaf.NotBefore, "not_after", c.Leaf.NotAfter)
		}
		return &c, nil
	}
	now, err := fresh.New(load, func(err error) { log.Warn("the certificate is not taken, the old one stays", "error", err) }, cert, key)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return now.Get(), nil },
	}, now, nil
}
