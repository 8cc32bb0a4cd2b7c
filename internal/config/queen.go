package config

import (
	"net/url"
	"path/filepath"
	"strings"
)

// Queen is what the config file says of a daemon. What counts at once when the file changes, and what only after a
// restart:
//
//	[queen]
//	allowed_hosts = ["gpu.lan"]              at once
//	allowed_origins = ["https://chat.lan"]   at once
//	require_keys = true                      at once
//	log_level = "info"                       at once
//	listen = ["127.0.0.1:8500"]              restart
//	tls_cert = "/etc/rbee/cert.pem"          restart; what is in the files, at once
//	tls_key = "/etc/rbee/key.pem"
//
// Nodes, models and default_node count at once too. Flags of the daemon win over the file.
type Queen struct {
	Listen         []string // host:port, port, or none; empty = not said
	TLSCert        string   // absolute or ~/
	TLSKey         string
	RequireKeys    bool     // on loopback too
	AllowedHosts   []string // names by which clients call this machine, beside its own
	AllowedOrigins []string // web pages that may use the API: scheme://host[:port], or *
	LogLevel       string   // debug, info, warn or error; "" = not said
}

func queenTable(q *Queen) field {
	return func(r *reader, k key, v any) {
		doc, ok := r.table(k, v)
		if !ok {
			return
		}
		r.fields(k, doc, fields{
			"listen":          texts(&q.Listen, listenProblem, 16, true),
			"tls_cert":        text(&q.TLSCert, pathProblem),
			"tls_key":         text(&q.TLSKey, pathProblem),
			"require_keys":    truth(&q.RequireKeys),
			"allowed_hosts":   texts(&q.AllowedHosts, allowedHostProblem, 256, true),
			"allowed_origins": texts(&q.AllowedOrigins, originProblem, 256, true),
			"log_level":       text(&q.LogLevel, levelProblem),
		})
		if (q.TLSCert == "") != (q.TLSKey == "") {
			r.problem(r.index.keys[k.id()], "only one of tls_cert and tls_key is set, allowed is both or none").
				WithHint("the certificate and its private key, each a PEM file").With("field", k.String())
		}
	}
}

// KeysFile is where API keys are kept: keys.json beside the config file (--config, if it is not ""). Nothing is created.
func (e Env) KeysFile(flag string) (string, error) {
	s, err := e.ConfigFile(flag)
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(s.Path), "keys.json"), nil
}

func listenProblem(s string) string {
	if s == "" || len(s) > 300 || !oneLine(s) || strings.ContainsAny(s, " /") {
		return "an address like 127.0.0.1:8500, a port, or none"
	}
	return ""
}

func allowedHostProblem(s string) string {
	if strings.ContainsAny(s, "*/") || hostProblem(s) != "" {
		return "a name or an address, without port and scheme"
	}
	return ""
}

func originProblem(s string) string {
	if s == "*" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.String() != u.Scheme+"://"+u.Host || strings.Contains(s, "*") {
		return "an origin like https://chat.example:8080, without a path, or *"
	}
	return ""
}

func levelProblem(s string) string {
	switch s {
	case "debug", "info", "warn", "error":
		return ""
	}
	return "debug, info, warn or error"
}
