package treetest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// What a socket can say that no client of HTTP would, to the routes of OpenAI's: each gets the right status or an end
// of the connection, whoever asks properly meanwhile gets an answer, and the queen is what she was.

const rawChat = `{"model":"demo","max_tokens":2,"messages":[{"role":"user","content":"hi"}]}`

// posted is a whole request to a route.
func posted(path, body string, headers ...string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + strings.Join(append(headers, ""), "\r\n") +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// rawCase is what is sent, and which responses come until the server closes or, if all of them came, the client does.
type rawCase struct {
	send  func(w io.Writer)
	half  bool // the client says then that it sends no more
	leave bool // and then it leaves without an answer
	want  []int
	says  string // in the last body
}

func bytesOf(s string) func(io.Writer) {
	return func(w io.Writer) { _, _ = io.WriteString(w, s) }
}

// flooded sends 100 MB after head, as long as somebody takes it.
func flooded(head, unit string) func(io.Writer) {
	return func(w io.Writer) {
		_, err := io.WriteString(w, head)
		for n := 0; n < 100<<20 && err == nil; n += len(unit) {
			_, err = io.WriteString(w, unit)
		}
	}
}

func rawCases(path string) map[string]rawCase {
	head := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	get := "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat(" ", 64<<10))
	bad := "invalid_request_error"
	return map[string]rawCase{
		"nothing, and gone":          {send: bytesOf(""), leave: true},
		"half a request line":        {send: bytesOf("POST /v1/ch"), half: true, want: []int{400}},
		"half a head":                {send: bytesOf(head), half: true, want: []int{400}},
		"half a body":                {send: bytesOf(head + "Content-Length: 100\r\n\r\n{\"model\":"), half: true, want: []int{400}, says: "did not arrive whole"},
		"half a body, and gone":      {send: bytesOf(head + "Content-Length: 100\r\n\r\n{\"model\":"), leave: true},
		"half a chunk":               {send: bytesOf(head + "Transfer-Encoding: chunked\r\n\r\n40\r\n{\"mod"), half: true, want: []int{400}, says: "did not arrive whole"},
		"a chunk that is none":       {send: bytesOf(head + "Transfer-Encoding: chunked\r\n\r\nzzz\r\n{}"), want: []int{400}, says: bad},
		"an encoding that is none":   {send: bytesOf(head + "Transfer-Encoding: squeezed\r\n\r\n{}"), want: []int{501}},
		"two lengths":                {send: bytesOf(head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}"), want: []int{400}},
		"a length below nothing":     {send: bytesOf(head + "Content-Length: -1\r\n\r\n{}"), want: []int{400}},
		"a length beyond all":        {send: bytesOf(head + "Content-Length: 99999999999999999999\r\n\r\n{}"), want: []int{400}},
		"garbage":                    {send: bytesOf("\x00\x01\xff\xfe garbage\r\n\r\n\r\n"), want: []int{400}},
		"a TLS hello":                {send: bytesOf("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), want: []int{400}},
		"no host":                    {send: bytesOf("GET /v1/models HTTP/1.1\r\n\r\n"), want: []int{400}},
		"two hosts":                  {send: bytesOf("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n"), want: []int{400}},
		"another page's host":        {send: bytesOf("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n"), want: []int{421}},
		"a version of the future":    {send: bytesOf("GET /v1/models HTTP/9.9\r\nHost: localhost\r\n\r\n"), want: []int{505}},
		"a head line without colon":  {send: bytesOf("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nno colon here\r\n\r\n"), want: []int{400}},
		"pipelined":                  {send: bytesOf(strings.Repeat(get, 50)), want: slices.Repeat([]int{200}, 50)},
		"pipelined, then garbage":    {send: bytesOf(get + get + "\x00\x07garbage\r\n\r\n"), want: []int{200, 200, 400}},
		"a body, then garbage":       {send: bytesOf(posted(path, "{}") + "}}}}\x00\r\n\r\n"), want: []int{400, 400}},
		"a long header":              {send: bytesOf("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), want: []int{431}},
		"a hundred thousand headers": {send: bytesOf("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("A: b\r\n", 100_000) + "\r\n"), want: []int{431}},
		"a header without end":       {send: flooded("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: ", strings.Repeat("x", 64<<10)), want: []int{431}},
		"100 MB":                     {send: flooded(head+"Content-Length: 104857600\r\n\r\n", strings.Repeat(" ", 64<<10)), want: []int{413}, says: "too large"},
		"100 MB in chunks":           {send: flooded(head+"Transfer-Encoding: chunked\r\n\r\n", chunk), want: []int{413}, says: "too large"},
		"100 MB that are asked for":  {send: bytesOf(head + "Expect: 100-continue\r\nContent-Length: 104857600\r\n\r\n"), want: []int{413}, says: "too large"},
		"an expectation of more":     {send: bytesOf(head + "Expect: miracles\r\nContent-Length: 2\r\n\r\n{}"), want: []int{417}},
		"a deep body":                {send: bytesOf(posted(path, `{"model":"demo","messages":`+strings.Repeat("[", 100_000))), want: []int{400}, says: bad},
		"no JSON":                    {send: bytesOf(posted(path, "\xff\xfe{")), want: []int{400}, says: bad},
		"a text":                     {send: bytesOf(strings.Replace(posted(path, "{}"), "application/json", "text/plain", 1)), want: []int{400}, says: "application/json"},
	}
}

// run sends a case and compares what comes.
func (c rawCase) run(t *testing.T, address, name string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(name, err)
		return
	}
	defer conn.Close()
	sent := make(chan struct{})
	go func() { // the answer may come, and must be heard, before all is sent
		defer close(sent)
		c.send(conn)
		if c.half {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	if c.leave {
		<-sent
		return
	}
	var got []int
	var last string
	for in := bufio.NewReader(conn); len(got) < len(c.want); {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			break
		}
		body, err := io.ReadAll(resp.Body)
		if got, last = append(got, resp.StatusCode), string(body); err != nil && resp.ContentLength >= 0 {
			t.Errorf("%s: the body of a %d: %v", name, resp.StatusCode, err)
		}
	}
	if !slices.Equal(got, c.want) || !strings.Contains(last, c.says) {
		t.Errorf("%s: %d, want %d and %q: %.300s", name, got, c.want, c.says, last)
	}
	conn.Close()
	<-sent
}

// gauge reads one number of the daemon's metrics; c is the same each time, or its connections would be counted.
func (d *daemon) gauge(c *http.Client, name string) int {
	page := call(d.t, c, "GET", "http://queen/metrics", "").body
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(page)
	if m == nil {
		d.t.Fatalf("the page lacks %s", name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return int(v)
}

func TestTreeWhateverASocketSaysTheQueenIsUnharmed(t *testing.T) {
	t.Parallel()
	d, address := startService(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=100000,rate=100"})
	c := d.unix()
	ask := func() {
		t.Helper()
		if a := call(t, http.DefaultClient, "POST", "http://"+address+"/v1/chat/completions", rawChat); a.status != 200 || !strings.Contains(a.body, "tok1") {
			t.Errorf("a proper request: %+v", a)
		}
	}
	round := func() {
		var all sync.WaitGroup
		for _, path := range []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings"} {
			for name, c := range rawCases(path) {
				all.Go(func() { c.run(t, address, path+": "+name) })
			}
		}
		for range 3 { // streams whose clients leave in their middle
			all.Go(func() { leaveInTheMiddle(t, address) })
		}
		ask()
		all.Wait()
		http.DefaultClient.CloseIdleConnections()
		if !soon(func() bool {
			return strings.Contains(call(t, c, "GET", "http://queen/rbee/v1/requests", "").body, `"requests":[]`)
		}) {
			t.Error("requests of clients that left go on")
		}
	}
	ask()
	http.DefaultClient.CloseIdleConnections()
	round() // what the first ones make is kept: buffers, heap, who waits for more of them
	routines, memory := d.gauge(c, "go_goroutines"), d.gauge(c, "process_resident_memory_bytes")
	for range 3 {
		round()
	}
	now := 0
	if !soon(func() bool { now = d.gauge(c, "go_goroutines"); return now <= routines }) {
		t.Errorf("%d goroutines, before it %d", now, routines)
	}
	if more := d.gauge(c, "process_resident_memory_bytes") - memory; more > 64<<20 { // of 1.8 GB of bodies that came; what is let go is not given back at once
		t.Errorf("the queen takes %d MB more", more>>20)
	}
	d.stop(0)
}

// leaveInTheMiddle reads the beginning of a stream that goes on and on.
func leaveInTheMiddle(t *testing.T, address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	body := strings.Replace(rawChat, `"max_tokens":2`, `"stream":true`, 1)
	if _, err := io.WriteString(conn, posted("/v1/chat/completions", body)); err != nil {
		t.Error(err)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if strings.Contains(lines.Text(), "tok1") {
			return
		}
	}
	t.Error("the stream ended before it was left")
}
