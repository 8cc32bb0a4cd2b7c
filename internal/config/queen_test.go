package config

import (
	"reflect"
	"strings"
	"testing"

	"rbee/internal/fault"
)

func TestTheQueensTableIsRead(t *testing.T) {
	f, err := Parse("c.toml", []byte(`[queen]
listen = ["127.0.0.1:8500", "[::1]:8500"]
tls_cert = "~/c.pem"
tls_key = "/k.pem"
require_keys = true
allowed_hosts = "gpu.lan"
allowed_origins = ["https://chat.lan:8443", "*"]
log_level = "debug"
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Queen{Listen: []string{"127.0.0.1:8500", "[::1]:8500"}, TLSCert: "~/c.pem", TLSKey: "/k.pem", RequireKeys: true,
		AllowedHosts: []string{"gpu.lan"}, AllowedOrigins: []string{"https://chat.lan:8443", "*"}, LogLevel: "debug"}
	if !reflect.DeepEqual(f.Queen, want) {
		t.Errorf("got %+v", f.Queen)
	}
}

func TestWhatTheQueensTableMayNotSayIsRefusedWithItsLine(t *testing.T) {
	for text, says := range map[string]string{
		`require_keys = "yes"`:                  "allowed is true or false",
		`allowed_hosts = ["*"]`:                 "without port and scheme",
		`allowed_hosts = ["a:80"]`:              "without port and scheme",
		`allowed_origins = ["https://a/b"]`:     "without a path",
		`allowed_origins = ["https://*.a"]`:     "without a path",
		`allowed_origins = ["a.b"]`:             "without a path",
		`log_level = "loud"`:                    "debug, info, warn or error",
		`listen = "http://x"`:                   "a port, or none",
		`tls_cert = "/c.pem"`:                   "both or none",
		`tls_cert = "c.pem"`:                    "an absolute path",
		`alowed_hosts = ["a"]`:                  "did you mean allowed_hosts?",
		"listen = [\"1\"]\nqueens = [\"x\", 2]": "there is no key queens",
	} {
		_, err := Parse("c.toml", []byte("[queen]\n"+text+"\n"))
		if err == nil || !strings.Contains(hinted(err), says) || !strings.Contains(err.Error(), "c.toml:") {
			t.Errorf("%s: %v", text, hinted(err))
		}
	}
}

func hinted(err error) string {
	f := fault.From(err)
	if f == nil {
		return "accepted"
	}
	return f.Message + "; " + f.Hint
}
