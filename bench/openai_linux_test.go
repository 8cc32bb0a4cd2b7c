package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rbee/internal/proc"
)

// What the tree's interface is compared with: a model that answers at once, in a process of its own, and Go's standard
// reverse proxy in front of it, in another one. Both write the address where they listen to stdout, and end with it.
const (
	roleInstant = "instant"
	roleProxy   = "proxy"
	proxyTarget = "RBEE_BENCH_TARGET"
)

func init() {
	roles[roleInstant] = func() int { return serveHTTP(http.HandlerFunc(instantly)) }
	roles[roleProxy] = func() int {
		target, _ := url.Parse(os.Getenv(proxyTarget))
		p := httputil.NewSingleHostReverseProxy(target)
		p.Transport = &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256}
		return serveHTTP(p)
	}
}

func serveHTTP(h http.Handler) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1
	}
	fmt.Println(l.Addr())
	go func() { _ = http.Serve(l, h) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

const instantAnswer = `{"id":"chatcmpl-01KAX3ZV2M7WQ6F4R9T8Y5B1CD","object":"chat.completion","created":1764000000,"model":"demo","system_fingerprint":"rbee-dev","choices":[{"index":0,"message":{"role":"assistant","content":"tok0","refusal":null},"logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":0}}}`

func instantly(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, instantAnswer)
}

// other starts this binary in a role and returns where it listens.
func other(b *testing.B, as string, env ...string) string {
	b.Helper()
	exe, _ := os.Executable()
	c := exec.Command(exe)
	c.Env = append(append(os.Environ(), role+"="+as), env...)
	in, _ := c.StdinPipe()
	out, _ := c.StdoutPipe()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); c.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// asker is a client that costs as little as it can: the cores are the servers' too.
type asker struct {
	c net.Conn
	r *bufio.Reader
	q []byte
}

func newAsker(b *testing.B, addr, body string) *asker {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	q := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", addr, len(body), body)
	return &asker{c, bufio.NewReaderSize(c, 64<<10), []byte(q)}
}

// ask sends the request and reads the response, whose length is in its head.
func (a *asker) ask() error {
	if _, err := a.c.Write(a.q); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := a.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			rest, _ := a.r.Peek(a.r.Buffered())
			return fmt.Errorf("answered %s%s", line, rest)
		}
		if len(line) <= 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
		}
	}
	if length < 0 {
		return fmt.Errorf("no length")
	}
	_, err := a.r.Discard(length)
	return err
}

const oneToken = `{"model":"demo","messages":[{"role":"user","content":"hello world"}],"max_tokens":1,"temperature":0}`

// serving starts a daemon whose worker answers at once, warm, and returns its address and its processes.
func serving(b *testing.B) (addr string, pids map[string]int) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr = l.Addr().String()
	l.Close()
	b.Setenv("RBEE_FAKE_ENGINE", "tokens=1")
	d := startDaemonOf(b, fake, "--listen", addr, "--slots", "64")
	if err := newAsker(b, addr, oneToken).ask(); err != nil {
		b.Fatal(err)
	}
	pids = map[string]int{"queen": d.cmd.Process.Pid, "client": os.Getpid()}
	for _, f := range proc.Find(func(f proc.Found) bool { return f.Run == d.run }) {
		switch filepath.Base(f.Command) {
		case "rbee-hive":
			pids["hive"] = f.PID
		case "llm-worker-rbee":
			pids["worker"] = f.PID
		}
	}
	return addr, pids
}

// BenchmarkOpenAILatency is one chat of one token, not streamed, through queen, hive and worker, less the same from the
// instant model; one client, p50, alternated with the reverse proxy. Goal: 0.25 ms.
func BenchmarkOpenAILatency(b *testing.B) {
	addr, _ := serving(b)
	instant := other(b, roleInstant)
	proxy := other(b, roleProxy, proxyTarget+"=http://"+instant)
	to := map[string]*asker{"tree": newAsker(b, addr, oneToken), "proxy": newAsker(b, proxy, oneToken), "instant": newAsker(b, instant, oneToken)}
	for b.Loop() {
		all := samples{}
		for range 100 * *runs {
			for _, name := range []string{"tree", "proxy", "instant"} {
				began := time.Now()
				if err := to[name].ask(); err != nil {
					b.Fatal(name, err)
				}
				all.add(name, time.Since(began))
			}
		}
		all.report(b, "tree", "proxy", "instant")
		b.ReportMetric(all.at("tree", 99), "tree-p99-ms")
		added := all.ms("tree") - all.ms("instant")
		b.ReportMetric(added, "added-ms")
		b.ReportMetric(all.ms("proxy")-all.ms("instant"), "proxy-added-ms")
		atMost(b, "added latency of a chat of one token, p50", "ms", 0.25, added)
	}
	b.ReportMetric(0, "ns/op")
}

// BenchmarkOpenAIRate is chats of one token a second with 32 clients; beside it the reverse proxy, and what each
// process of the tree spends on a request. Goal: 8,000 on two cores.
func BenchmarkOpenAIRate(b *testing.B) {
	const clients = 32
	addr, pids := serving(b)
	instant := other(b, roleInstant)
	proxy := other(b, roleProxy, proxyTarget+"=http://"+instant)
	for b.Loop() {
		seen := map[string][]float64{}
		for range 3 {
			for name, at := range map[string]string{"tree": addr, "proxy": proxy} {
				before := map[string]time.Duration{}
				for p, pid := range pids {
					before[p] = cpu(b, pid)
				}
				n, took := flood(b, at, clients, time.Duration(*runs)*100*time.Millisecond)
				seen[name] = append(seen[name], float64(n)/took.Seconds())
				if name == "tree" {
					for p, pid := range pids {
						seen[p] = append(seen[p], float64((cpu(b, pid)-before[p]).Microseconds())/float64(n))
					}
				}
			}
		}
		for p := range pids {
			b.ReportMetric(middle(seen[p]), p+"-cpu-us/req")
		}
		b.ReportMetric(middle(seen["proxy"]), "proxy-req/s")
		b.ReportMetric(middle(seen["tree"]), "tree-req/s")
		atLeast(b, "chats of one token a second, 32 clients", "req/s", 8000, middle(seen["tree"]))
	}
	b.ReportMetric(0, "ns/op")
}

func flood(b *testing.B, addr string, clients int, d time.Duration) (n int64, took time.Duration) {
	var all sync.WaitGroup
	var done atomic.Int64
	askers := make([]*asker, clients)
	for i := range askers {
		askers[i] = newAsker(b, addr, oneToken)
	}
	began := time.Now()
	for _, a := range askers {
		all.Go(func() {
			for time.Since(began) < d {
				if err := a.ask(); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	took = time.Since(began)
	for _, a := range askers {
		a.c.Close()
	}
	return done.Load(), took
}

// BenchmarkSSE is the processor time that the queen spends on one event of a stream of 2,000 tokens, the client's and
// the hive's beside it. Goal: 2 us.
func BenchmarkSSE(b *testing.B) {
	const tokens = 2000
	addr, pids := serving(b)
	url := "http://" + addr + "/v1/chat/completions"
	body := strings.Replace(oneToken, `"max_tokens":1`, `"stream":true,"ignore_eos":true,"max_tokens":`+strconv.Itoa(tokens), 1)
	for b.Loop() {
		seen := map[string][]float64{}
		for range *runs {
			before := map[string]time.Duration{}
			for p, pid := range pids {
				before[p] = cpu(b, pid)
			}
			resp, err := http.Post(url, "application/json", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			n := bytes.Count(text, []byte("data: "))
			if err != nil || n < tokens {
				b.Fatalf("%d events: %v\n%.300s", n, err, text)
			}
			for p, pid := range pids {
				seen[p] = append(seen[p], float64((cpu(b, pid)-before[p]).Nanoseconds())/1000/float64(n))
			}
		}
		for p := range pids {
			b.ReportMetric(middle(seen[p]), p+"-us/event")
		}
		atMost(b, "cost of an SSE event in the queen", "us", 2, middle(seen["queen"]))
	}
	b.ReportMetric(0, "ns/op")
}
