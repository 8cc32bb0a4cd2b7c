package treetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rbee/internal/testkit"
)

// A key is made, used, limited and taken away while the daemon runs, and is written down nowhere.
func TestTreeKeysCountWithoutARestartAndAreWrittenNowhere(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=4"}, "--require-keys", "--log-level", "debug")
	url := "http://" + address
	ask := func(secret string) answer {
		t.Helper()
		if secret == "" {
			return call(t, http.DefaultClient, "POST", url+"/rbee/v1/generate", work)
		}
		return call(t, http.DefaultClient, "POST", url+"/rbee/v1/generate", work, "Authorization: Bearer "+secret)
	}
	if a := ask(""); a.status != 401 || a.says() != "UNAUTHORIZED" || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("without a key: %+v", a)
	}
	first, _, _ := strings.Cut(d.rbee(0, "key", "add", "alice"), "\n")
	if !strings.HasPrefix(first, "rbee_") {
		t.Fatalf("%q", first)
	}
	if a := ask(first); a.status != 200 || !strings.Contains(a.body, "tok3") {
		t.Errorf("with it: %+v", a)
	}
	for _, path := range []string{"/metrics", "/rbee/v1/workers", "/rbee/v1/status", "/rbee/v1/receipt"} {
		if a := call(t, http.DefaultClient, "GET", url+path, ""); a.status != 401 {
			t.Errorf("%s without a key: %+v", path, a)
		}
	}
	if a := call(t, http.DefaultClient, "GET", url+"/readyz", ""); a.status != 200 {
		t.Errorf("a probe needs no key: %+v", a)
	}
	if a := call(t, d.unix(), "POST", "http://queen/rbee/v1/generate", work); a.status != 200 {
		t.Errorf("who may open the socket needs no key: %+v", a)
	}
	few, _, _ := strings.Cut(d.rbee(0, "key", "add", "bob", "--tokens-per-minute", "3", "--models", "demo"), "\n")
	if a := ask(few); a.status != 200 {
		t.Errorf("bob's first: %+v", a)
	}
	if a := ask(few); a.status != 429 || a.says() != "QUOTA_EXCEEDED" || a.header.Get("Retry-After") == "" {
		t.Errorf("bob's second: %+v", a)
	}
	if a := call(t, http.DefaultClient, "POST", url+"/v1/chat/completions", "{}", "Authorization: Bearer rbee_no"); a.status != 401 || !strings.Contains(a.body, `"code":"invalid_api_key"`) {
		t.Errorf("OpenAI's route: %+v", a)
	}
	other, _, _ := strings.Cut(d.rbee(0, "key", "add", "carol", "--models", "tinyllama"), "\n")
	if a := ask(other); a.says() != "MODEL_ACCESS_DENIED" || a.status != 403 {
		t.Errorf("carol asks for demo: %+v", a)
	}
	d.rbee(0, "key", "rm", "alice")
	if a := ask(first); a.status != 401 {
		t.Errorf("after it was taken away: %+v", a)
	}
	if out := d.rbee(0, "key", "ls"); strings.Contains(out, "alice") || !strings.Contains(out, "bob") {
		t.Errorf("%s", out)
	}
	d.stop(0)
	files, err := testkit.Files(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := d.log.String()
	for _, f := range files {
		b, _ := os.ReadFile(filepath.Join(d.dir, f))
		seen += string(b)
	}
	for _, secret := range []string{first, few, other} {
		if strings.Contains(seen, secret) {
			t.Errorf("a key is in a file or a log")
		}
	}
	if info, err := os.Stat(filepath.Join(d.dir, "config", "rbee", "keys.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

// An address that others can reach is served only with keys; the machine's own is one.
func TestTreeOtherAddressesNeedKeys(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	d.rbee(0, "key", "add", "a")
	secret, _, _ := strings.Cut(d.rbee(0, "key", "add", "b"), "\n")
	d.rbee(0, "queen", "start", "--", "--listen", "0.0.0.0:0")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(d.status().Listen[0], "http://"))
	url := "http://127.0.0.1:" + port // by loopback, but not a door of loopback
	if a := call(t, http.DefaultClient, "GET", url+"/rbee/v1/workers", ""); a.status != 401 {
		t.Errorf("%+v", a)
	}
	if a := call(t, http.DefaultClient, "GET", url+"/rbee/v1/workers", "", "Authorization: Bearer "+secret); a.status != 200 {
		t.Errorf("%+v", a)
	}
	d.rbee(0, "queen", "stop")
}

// certificate writes a new self-signed certificate for localhost over files, and returns what trusts it.
func certificate(t *testing.T, cert, key string) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "rbee test"}, DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err1 := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	secret, err2 := x509.MarshalPKCS8PrivateKey(private)
	write := func(path, kind string, b []byte) error {
		return errors.Join(os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600), os.Rename(path+".new", path))
	}
	if err := errors.Join(err1, err2, write(key, "PRIVATE KEY", secret), write(cert, "CERTIFICATE", der)); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	parsed, _ := x509.ParseCertificate(der)
	pool.AddCert(parsed)
	return pool
}

func TestTreeTLSIsServedAndItsCertificateReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := dir+"/cert.pem", dir+"/key.pem"
	wrong(t, dir, 1, []string{"cannot use the certificate"}, "queen-rbee", "daemon", "--socket", dir+"/s", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	first := certificate(t, cert, key)
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=2"}, "--tls-cert", cert, "--tls-key", key)
	if !strings.Contains(d.log.String(), "others can read the private key") {
		t.Errorf("nobody was warned of the key's mode:\n%s", d.log)
	}
	_, port, _ := net.SplitHostPort(address)
	client := func(pool *x509.CertPool, most uint16) *http.Client {
		return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: most}}}
	}
	url := "https://localhost:" + port
	if a := call(t, client(first, 0), "POST", url+"/rbee/v1/generate", work); a.status != 200 || !strings.Contains(a.body, "tok1") {
		t.Errorf("%+v", a)
	}
	if _, err := client(first, tls.VersionTLS11).Get(url + "/healthz"); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if a := call(t, http.DefaultClient, "GET", "http://localhost:"+port+"/healthz", ""); a.status != 400 {
		t.Errorf("without TLS: %+v", a)
	}
	second := certificate(t, cert, key)
	if a := call(t, client(second, 0), "GET", url+"/healthz", ""); a.status != 200 {
		t.Errorf("the new certificate is not shown: %+v", a)
	}
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := call(t, client(second, 0), "GET", url+"/healthz", ""); a.status != 200 || !d.log.Wait("the old one stays") {
		t.Errorf("a broken certificate takes the good one away: %+v", a)
	}
	d.stop(0)
}

// A hang-up is a reload for a daemon without a terminal. What is wrong leaves the old in force; requests go on.
func TestTreeConfigIsReadAgainWithoutLosingRequests(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	d.rbee(0, "queen", "start", "--", "--listen", "127.0.0.1:0", "--log", "both")
	s := d.status()
	errs := filepath.Join(s.Log, "queen.log")
	url := s.Listen[0]
	allowed := func(host string) bool {
		return call(t, http.DefaultClient, "GET", url+"/rbee/v1/workers", "", "Host: "+host).status == 200
	}
	writeConfig(t, d, "[queen]\nallowed_hosts = [\"one\"]\n")
	if !soon(func() bool { return allowed("one") && !allowed("two") }) { // a configuration may be 50 ms old
		t.Error("the first configuration does not count")
	}
	writeConfig(t, d, "[queen]\nallowed_hosts = 7\n")
	if !soon(func() bool {
		b, _ := os.ReadFile(errs)
		return allowed("one") && strings.Contains(string(b), "the old one stays in force")
	}) {
		t.Error("a wrong configuration took the old one away")
	}
	id, err := os.FindProcess(s.PID)
	if err != nil {
		t.Fatal(err)
	}
	writeConfig(t, d, "[queen]\nallowed_hosts = [\"two\"]\nlog_level = \"debug\"\n")
	if err := id.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(20 * time.Second); ; {
		b, _ := os.ReadFile(errs)
		if strings.Contains(string(b), `"msg":"reloaded"`) && strings.Contains(string(b), "the old one stays in force") && strings.Contains(string(b), "config.toml:2:17") {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("what came of it was not said:\n%s", b)
		}
	}
	if allowed("one") || !allowed("two") {
		t.Error("the last configuration does not count")
	}
	if d.status().PID != s.PID {
		t.Error("it is another process")
	}
	d.rbee(0, "queen", "stop")
}

func TestTreeAWrongConfigStopsADaemonAtItsStart(t *testing.T) {
	t.Parallel()
	d := detached(t, fake)
	writeConfig(t, d, "[queen]\nlisten = 7\n")
	if out := d.rbee(1, "queen", "start"); !strings.Contains(out, "config.toml:2:10") {
		t.Errorf("%s", out)
	}
}
