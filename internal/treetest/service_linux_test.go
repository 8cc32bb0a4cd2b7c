package treetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rbee/internal/api"
)

// listening is what a daemon's log says of its addresses.
var listening = regexp.MustCompile(`"listen":\["https?://([^"]+)"`)

// startService starts a daemon with one TCP address.
func startService(t *testing.T, bin string, env []string, flags ...string) (d *daemon, address string) {
	t.Helper()
	d = startDaemon(t, bin, env, append([]string{"--listen", "127.0.0.1:0"}, flags...)...)
	m := listening.FindStringSubmatch(d.log.String())
	if m == nil {
		t.Fatalf("no address is told:\n%s", d.log)
	}
	return d, m[1]
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// says is the code of rbee's error body.
func (a answer) says() string {
	var e struct {
		Error struct{ Code, Message, Hint, Type string }
	}
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Error.Code
}

// call makes one request; headers are "Name: value", Host too.
func call(t *testing.T, c *http.Client, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// rbee runs a command of the daemon's user and returns what it prints.
func (d *daemon) rbee(code int, args ...string) string {
	d.t.Helper()
	c := exec.Command(d.bin+"/rbee", args...)
	c.Env = append(environment(d.dir), "RBEE_SOCKET="+d.socket)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != code {
		d.t.Fatalf("rbee %v ended with %v, want %d\n%s", args, err, code, out)
	}
	return string(out)
}

func (d *daemon) unix() *http.Client { return api.DialUnix(d.socket) }

const work = `{"model":"demo","prompt":"hello world","max_tokens":4,"temperature":0}`

func TestTreeTheAPIIsTheSameOnLoopbackAsOnTheSocket(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=3"})
	tcp := call(t, http.DefaultClient, "POST", "http://"+address+"/rbee/v1/generate", work)
	socket := call(t, d.unix(), "POST", "http://queen/rbee/v1/generate", work)
	if tcp.status != 200 || socket.status != 200 || !strings.Contains(tcp.body, "tok2") || !strings.Contains(socket.body, "tok2") {
		t.Errorf("TCP: %+v\nsocket: %+v", tcp, socket)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/rbee/v1/version", "/rbee/v1/status"} {
		if a := call(t, http.DefaultClient, "GET", "http://"+address+path, ""); a.status != 200 {
			t.Errorf("%s: %+v", path, a)
		}
	}
	d.stop(0)
}

// What a web page can have a browser of this machine's user do.
func TestTreeWebPagesCannotUseAQueenOnLoopback(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=1"})
	_, port, _ := net.SplitHostPort(address)
	url := "http://" + address
	for _, c := range []struct {
		what    string
		method  string
		headers []string
		status  int
	}{
		{"its address", "POST", nil, 200},
		{"localhost", "POST", []string{"Host: localhost:" + port}, 200},
		{"a name below localhost", "POST", []string{"Host: rbee.localhost"}, 200},
		{"IPv6's loopback", "POST", []string{"Host: [::1]:" + port}, 200},
		{"a page's own name that points here (DNS rebinding)", "POST", []string{"Host: evil.example:" + port}, 421},
		{"the same, to look", "GET", []string{"Host: evil.example:" + port}, 421},
		{"an address that is not ours", "GET", []string{"Host: 192.0.2.1"}, 421},
		{"garbage", "GET", []string{"Host: [::1"}, 421},
		{"a form of another page", "POST", []string{"Origin: https://evil.example"}, 403},
		{"a page without an origin", "POST", []string{"Origin: null", "Sec-Fetch-Site: cross-site"}, 403},
		{"another port's page", "POST", []string{"Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"}, 403},
		{"a page of ours", "POST", []string{"Origin: " + url, "Sec-Fetch-Site: same-origin"}, 200},
		{"a preflight", "OPTIONS", []string{"Origin: https://evil.example", "Access-Control-Request-Method: POST"}, 204},
	} {
		body := work
		if c.method != "POST" {
			body = ""
		}
		a := call(t, http.DefaultClient, c.method, url+"/rbee/v1/generate", body, c.headers...)
		if c.method == "GET" {
			a = call(t, http.DefaultClient, c.method, url+"/rbee/v1/workers", "", c.headers...)
		}
		if a.status != c.status {
			t.Errorf("%s: %d, want %d\n%s", c.what, a.status, c.status, a.body)
		}
		for h := range a.header {
			if strings.HasPrefix(h, "Access-Control-") {
				t.Errorf("%s: answered with %s, although nobody configured that", c.what, h)
			}
		}
	}
	// What is configured counts without a restart.
	writeConfig(t, d, "[queen]\nallowed_hosts = [\"gpu.lan\"]\nallowed_origins = [\"https://chat.lan\"]\n")
	if !soon(func() bool {
		return call(t, http.DefaultClient, "GET", url+"/rbee/v1/workers", "", "Host: gpu.lan").status == 200
	}) {
		t.Error("what was configured does not count")
	}
	if a := call(t, http.DefaultClient, "POST", url+"/rbee/v1/generate", work, "Host: GPU.lan:80", "Origin: https://chat.lan", "Sec-Fetch-Site: cross-site"); a.status != 200 ||
		a.header.Get("Access-Control-Allow-Origin") != "https://chat.lan" {
		t.Errorf("an allowed page under an allowed name: %+v", a)
	}
	if a := call(t, http.DefaultClient, "OPTIONS", url+"/v1/chat/completions", "", "Origin: https://chat.lan", "Access-Control-Request-Method: POST",
		"Access-Control-Request-Headers: authorization,content-type"); a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://chat.lan" ||
		!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("its preflight: %+v", a)
	}
	if a := call(t, http.DefaultClient, "POST", url+"/rbee/v1/generate", work, "Origin: https://evil.example"); a.status != 403 {
		t.Errorf("another page: %+v", a)
	}
	d.stop(0)
}

func TestTreeADaemonRefusesAddressesThatAreTakenOrOpenToAll(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, nil)
	short := filepath.Dir(d.socket)
	wrong(t, d.dir, 1, []string{"SOCKET_IN_USE", "a queen listens on " + address + " already (pid ", "rbee queen stop"},
		"queen-rbee", "daemon", "--socket", short+"/b", "--listen", address)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	wrong(t, d.dir, 1, []string{"SOCKET_IN_USE", "another program listens on " + other.Addr().String(), "--listen"},
		"queen-rbee", "daemon", "--socket", short+"/b", "--listen", other.Addr().String())
	wrong(t, d.dir, 1, []string{"UNAUTHORIZED", "there is no API key", "rbee key add"}, "queen-rbee", "daemon", "--socket", short+"/b", "--listen", "0.0.0.0:0")
	wrong(t, d.dir, 1, []string{"UNAUTHORIZED"}, "queen-rbee", "daemon", "--socket", short+"/b", "--listen", ":0")
	wrong(t, d.dir, 1, []string{"allowed is HOST:PORT"}, "queen-rbee", "daemon", "--socket", short+"/b", "--listen", "x")
	wrong(t, d.dir, 1, []string{"none and an address"}, "queen-rbee", "daemon", "--socket", short+"/b", "--listen", "127.0.0.1:0,none")
	wrong(t, d.dir, 2, []string{"only one of --tls-cert and --tls-key"}, "queen-rbee", "daemon", "--tls-cert", "c.pem")
	d.stop(0)
}

func TestTreeSlowAndGreedyClientsAreCut(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=1"})
	// A request that never ends its headers, one that never sends its body, and one whose header has no end.
	for _, begin := range []string{"POST /rbee/v1/generate HTTP/1.1\r\nHost: localhost\r\nX: ",
		"POST /rbee/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20)} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() { _, _ = io.WriteString(c, begin) }() // it may be cut in the middle
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if b, err := io.ReadAll(c); isTimeout(err) {
			t.Errorf("%.60q was never cut: %v\n%s", begin, err, b)
		}
	}
	if a := call(t, http.DefaultClient, "POST", "http://"+address+"/rbee/v1/generate", `{"model":"demo","prompt":"`+strings.Repeat("x", 9<<20)+`"}`); a.status != 413 {
		t.Errorf("a body of 9 MiB: %d", a.status)
	}
	if a := call(t, http.DefaultClient, "POST", "http://"+address+"/rbee/v1/generate", work); a.status != 200 {
		t.Errorf("afterwards: %+v", a)
	}
	d.stop(0)
}

// More connections than are allowed do not keep the user out, and cost what the allowed ones do.
func TestTreeConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=1"})
	const many = 1024 + 200
	for range many {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if a := call(t, d.unix(), "POST", "http://queen/rbee/v1/generate", work); a.status != 200 || !strings.Contains(a.body, "tok0") {
		t.Errorf("the socket, while an address is full: %+v", a)
	}
	if fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid)); err != nil || len(fds) > 1024+100 {
		t.Errorf("%d descriptors are open for %d connections: %v", len(fds), many, err)
	}
	// Those that say nothing are cut, and make room.
	if a := call(t, http.DefaultClient, "GET", "http://"+address+"/healthz", ""); a.status != 200 {
		t.Errorf("%+v", a)
	}
	d.stop(0)
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func TestTreeMetricsTellOfRequestsAndProcesses(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=3"})
	if a := call(t, http.DefaultClient, "POST", "http://"+address+"/rbee/v1/generate", work); a.status != 200 {
		t.Fatalf("%+v", a)
	}
	for range 100 { // names that a client makes up must not become labels
		call(t, http.DefaultClient, "POST", "http://"+address+"/rbee/v1/generate", strings.Replace(work, "demo", "nobody", 1))
	}
	page := call(t, d.unix(), "GET", "http://queen/metrics", "").body
	for _, want := range []string{
		`gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="rbee",gen_ai_request_model="demo"} 1`,
		`gen_ai_server_request_duration_seconds_count{error_type="MODEL_NOT_FOUND",gen_ai_operation_name="chat",gen_ai_provider_name="rbee",gen_ai_request_model="_other"} 100`,
		`gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="rbee",gen_ai_request_model="demo"} 1`,
		`gen_ai_server_time_per_output_token_seconds_count{`,
		`gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="rbee",gen_ai_request_model="demo",gen_ai_token_type="output"} 3`,
		`rbee_process_started_total{rbee_process="rbee-hive"} 1`,
		`rbee_process_started_total{rbee_process="llm-worker-rbee"} 1`,
		`rbee_workers{state="idle"} 1`,
		`rbee_nodes{state="connected"} 1`,
		`rbee_requests{state="running"} 0`,
		`go_goroutines`, `process_resident_memory_bytes`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if t.Failed() {
		var ours bytes.Buffer
		for _, line := range strings.Split(page, "\n") {
			if strings.HasPrefix(line, "rbee") || strings.HasPrefix(line, "gen_ai") && !strings.Contains(line, "_bucket") {
				ours.WriteString(line + "\n")
			}
		}
		t.Log(ours.String())
	}
	d.stop(0)
}

// writeConfig replaces the config file of the daemon's user, as an editor does.
func writeConfig(t *testing.T, d *daemon, text string) {
	t.Helper()
	path := filepath.Join(d.dir, "config", "rbee", "config.toml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}
