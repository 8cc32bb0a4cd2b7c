package guard

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
	"rbee/internal/keys"
	"rbee/messages"
)

func TestHostOfReadsHostHeaders(t *testing.T) {
	for header, want := range map[string]string{
		"localhost": "localhost", "LocalHost:8500": "localhost", "a.b.:80": "a.b", "127.0.0.1:1": "127.0.0.1", "[::1]": "::1", "[::1]:8500": "::1",
		"": "", ":80": "", "a:": "a", "a:x": "", "a:123456": "", "::1": "", "[::1": "", "[a]": "", "[::1]x": "", "a:80:80": "", "[1.2.3.4]": "",
	} {
		if got, ok := hostOf(header); got != want && ok || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", header, got, ok, want)
		}
	}
}

func FuzzHostOf(f *testing.F) {
	f.Add("[::1]:8500")
	f.Add("localhost:80")
	f.Fuzz(func(t *testing.T, header string) {
		if host, ok := hostOf(header); ok && (host == "" || !strings.Contains(strings.ToLower(header), host) || strings.ContainsAny(host, "[]")) {
			t.Fatalf("%q from %q", host, header)
		}
	})
}

func TestADoorIsCalledByItsOwnNamesOnly(t *testing.T) {
	door := Door{Loopback: true, Names: []string{"me.lan"}}
	for host, want := range map[string]bool{
		"localhost": true, "x.localhost": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]": true, "me.lan": true, "ME.lan.:80": true, "extra": true,
		"10.0.0.5:8500": true, "10.0.0.6": false, "localhost.evil.example": false, "evil.example": false, "me.lan.evil": false, "": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.ParseIP("10.0.0.5"), Port: 8500})))
		if got := door.answers(r, []string{"extra"}); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

// keyed is a guard with these keys around a backend.
func keyed(b gateway.Backend, require bool, all ...keys.Key) (*Guard, func(Door) http.Handler) {
	var set keys.Set
	for _, k := range all {
		set, _ = set.Add(k)
	}
	g := New(Options{Settings: func() Settings { return Settings{RequireKeys: require} }, Keys: func() keys.Set { return set }, State: &State{}, Meter: NewMeter(nil, func(n string) bool { return n == "localhost" || n == "mac" })})
	g.State.Ready()
	h := gateway.Handler(g.Meter.Backend(b), gateway.Options{})
	return g, func(d Door) http.Handler { return g.Handler(d, h) }
}

const body = `{"model":"demo","prompt":"hi"}`

func post(h http.Handler, secret, text string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://localhost/rbee/v1/generate", strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// answers makes n tokens and is done.
func answers(n int) *gatewaytest.Backend {
	return &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Tokens(make([]string, n)...)
		s.Done("stop", int64(n)) // and a prompt of 3
	}}
}

func TestWhoNeedsAKeyAtWhichDoor(t *testing.T) {
	secret, old := keys.New(), keys.New()
	all := []keys.Key{{Name: "a", Hash: keys.Hash(secret)}, {Name: "old", Hash: keys.Hash(old), Expires: time.Unix(1, 0)}}
	const none, wrong, other = "", "rbee_wrong", "sk-anything"
	for _, c := range []struct {
		door    Door
		require bool
		secret  string
		status  int
	}{
		{Door{Socket: true}, true, none, 200},
		{Door{Socket: true}, false, other, 200},
		{Door{Socket: true}, false, secret, 200},
		{Door{Socket: true}, false, wrong, 401},
		{Door{Loopback: true}, false, none, 200},
		{Door{Loopback: true}, false, other, 200}, // OpenAI's clients must send something
		{Door{Loopback: true}, false, secret, 200},
		{Door{Loopback: true}, false, wrong, 401},
		{Door{Loopback: true}, false, old, 401},
		{Door{Loopback: true}, true, none, 401},
		{Door{Loopback: true}, true, other, 401},
		{Door{Loopback: true}, true, secret, 200},
		{Door{}, false, none, 401},
		{Door{}, false, other, 401},
		{Door{}, false, old, 401},
		{Door{}, false, secret, 200},
	} {
		_, handler := keyed(answers(1), c.require, all...)
		w := post(handler(c.door), c.secret, body)
		if w.Code != c.status || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%+v require=%v %.8q: %d, want %d\n%s", c.door, c.require, c.secret, w.Code, c.status, w.Body)
		}
		if c.secret != "" && strings.Contains(w.Body.String(), c.secret) {
			t.Errorf("the key is repeated: %s", w.Body)
		}
	}
}

func TestAKeyNamesItsOwnerAndNothingBehindSeesIt(t *testing.T) {
	secret := keys.New()
	g, _ := keyed(answers(1), true, keys.Key{Name: "a", Hash: keys.Hash(secret), Weight: 3, Models: []string{"demo"}})
	var caller gateway.Caller
	var header string
	h := g.Handler(Door{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		caller, header = gateway.CallerOf(r.Context()), r.Header.Get("Authorization")
	}))
	post(h, secret, body)
	if caller.Tenant != "a" || caller.Weight != 3 || len(caller.Models) != 1 || header != "" {
		t.Errorf("%+v, header %q", caller, header)
	}
}

func TestAKeyIsHeldToItsModels(t *testing.T) {
	secret := keys.New()
	_, handler := keyed(answers(1), true, keys.Key{Name: "a", Hash: keys.Hash(secret), Models: []string{"tiny", "qwen"}})
	w := post(handler(Door{}), secret, body)
	if w.Code != 403 || !strings.Contains(w.Body.String(), "MODEL_ACCESS_DENIED") || !strings.Contains(w.Body.String(), "tiny, qwen") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := post(handler(Door{}), secret, strings.Replace(body, "demo", "tiny", 1)); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTokensAMinuteAreWhatWasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := keys.New()
		_, handler := keyed(answers(57), true, keys.Key{Name: "a", Hash: keys.Hash(secret), TokensPerMinute: 60})
		h := handler(Door{})
		refused := func(when string, want bool, retry string) {
			t.Helper()
			w := post(h, secret, body)
			if (w.Code == 429) != want || want && (w.Header().Get("Retry-After") != retry || !strings.Contains(w.Body.String(), "QUOTA_EXCEEDED")) {
				t.Errorf("%s: %d, Retry-After %q, want %v %s\n%s", when, w.Code, w.Header().Get("Retry-After"), want, retry, w.Body)
			}
			synctest.Wait()
		}
		refused("the first, which uses all 60", false, "")
		refused("at once", true, "2") // whole seconds, rounded up with one to spare
		time.Sleep(5 * time.Second)
		refused("with 5 saved up", false, "") // 5 - 60 = 55 in debt
		refused("in debt", true, "57")
		time.Sleep(57 * time.Second)
		refused("when the debt is paid", false, "")
	})
}

func TestRequestsAtTheSameTimeAreBounded(t *testing.T) {
	secret := keys.New()
	running, release := make(chan struct{}, 9), make(chan struct{})
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		running <- struct{}{}
		<-release
		s.Done("stop", 0)
	}}
	_, handler := keyed(b, true, keys.Key{Name: "a", Hash: keys.Hash(secret), Concurrent: 2})
	h := handler(Door{})
	over := make(chan int, 2)
	for range 2 {
		go func() { over <- post(h, secret, body).Code }()
		<-running
	}
	if w := post(h, secret, body); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("the third: %d %s", w.Code, w.Body)
	}
	close(release)
	for range 2 {
		if code := <-over; code != 200 {
			t.Errorf("%d", code)
		}
	}
	if w := post(h, secret, body); w.Code != 200 {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
}

func TestAQueenThatStopsTakesNoWorkAndSaysWhenToAskAgain(t *testing.T) {
	g, handler := keyed(answers(1), false)
	h := handler(Door{Socket: true})
	look := func(path string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}
	if look("/readyz") != 200 {
		t.Error("it is not ready")
	}
	g.State.Stopping(time.Now().Add(20 * time.Second))
	g.State.Ready() // too late
	w := post(h, "", body)
	if w.Code != 503 || !strings.Contains(w.Body.String(), string(fault.QueenStopping)) || w.Header().Get("Retry-After") != "20" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if look("/readyz") != 503 || look("/healthz") != 200 || look("/rbee/v1/workers") != 200 {
		t.Error("it lives and can be looked at, but is not ready")
	}
}

func TestOpenAIsRoutesGetOpenAIsFields(t *testing.T) {
	_, handler := keyed(answers(1), true)
	r := httptest.NewRequest("POST", "http://localhost/v1/chat/completions", strings.NewReader("{}"))
	w := httptest.NewRecorder()
	handler(Door{}).ServeHTTP(w, r)
	if w.Code != 401 || !strings.Contains(w.Body.String(), `"type":"authentication_error"`) || !strings.Contains(w.Body.String(), `"code":"invalid_api_key"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What a client uses counts while it uses it, and whoever leaves has used it.
func TestAnAnswerIsChargedAsItGrows(t *testing.T) {
	m := NewMeter(nil, func(n string) bool { return n == "localhost" || n == "mac" })
	m.know(keys.Key{Name: "a", Hash: "x", TokensPerMinute: 1000})
	ctx, leave := context.WithCancel(gateway.WithCaller(context.Background(), gateway.Caller{Tenant: "a"}))
	said := make(chan struct{})
	b := m.Backend(&gatewaytest.Backend{Play: func(s *gatewaytest.Stream) { s.Tokens(make([]string, 400)...); <-said }})
	s, err := b.Submit(ctx, &messages.Generate{Node: "localhost", Model: &messages.ModelRef{Ref: "demo"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(ctx); err != nil {
		t.Fatal(err)
	}
	if left := m.tenants["a"].bucket.Tokens(); left > 610 {
		t.Errorf("%v tokens are left while the answer goes on, want about 600", left)
	}
	if running, waiting := m.now(); running+waiting != 1 {
		t.Errorf("%d + %d requests, want 1", running, waiting)
	}
	s.Cancel("gone")
	leave()
	close(said)
	if running, waiting := m.now(); running+waiting != 0 {
		t.Errorf("%d + %d requests after it was cancelled", running, waiting)
	}
}

func TestAKeyCannotEndAnothersRequest(t *testing.T) {
	mine, yours := keys.New(), keys.New()
	running := make(chan struct{})
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		close(running)
		<-s.Cancelled
		s.Fail(fault.New(fault.Cancelled, "cancelled"))
	}}
	_, handler := keyed(b, true, keys.Key{Name: "me", Hash: keys.Hash(mine)}, keys.Key{Name: "you", Hash: keys.Hash(yours)})
	over := make(chan struct{})
	go func() {
		defer close(over)
		post(handler(Door{}), mine, `{"id":"r1","model":"demo","prompt":"hi"}`)
	}()
	<-running
	end := func(door Door, secret string) int {
		r := httptest.NewRequest("DELETE", "http://localhost/rbee/v1/requests/r1", nil)
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		w := httptest.NewRecorder()
		handler(door).ServeHTTP(w, r)
		return w.Code
	}
	if code := end(Door{}, yours); code != 404 {
		t.Errorf("another key: %d", code)
	}
	if code := end(Door{}, mine); code != 204 {
		t.Errorf("its own: %d", code)
	}
	<-over
}

// A key uses models; it does not manage the queen, log in elsewhere, or look at files.
func TestAKeyIsForUsingModelsOnly(t *testing.T) {
	secret := keys.New()
	_, handler := keyed(answers(1), true, keys.Key{Name: "a", Hash: keys.Hash(secret)})
	ask := func(door Door, secret, method, path, body string) int {
		r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		w := httptest.NewRecorder()
		handler(door).ServeHTTP(w, r)
		return w.Code
	}
	generate := func(more string) string { return `{"prompt":"hi",` + more + `}` }
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/rbee/v1/generate", generate(`"model":"demo"`), 200},
		{"POST", "/rbee/v1/generate", generate(`"model":"demo","node":"mac,localhost"`), 200},
		{"POST", "/rbee/v1/generate", generate(`"model":"hf:org/repo/file.gguf"`), 200},
		{"POST", "/rbee/v1/generate", generate(`"model":"demo","node":"root@elsewhere"`), 404},
		{"POST", "/rbee/v1/generate", generate(`"model":"demo","node":"mac,elsewhere"`), 404},
		{"POST", "/rbee/v1/generate", generate(`"model":"/etc/passwd"`), 403},
		{"POST", "/rbee/v1/generate", generate(`"model":"file:///home/me/m.gguf"`), 403},
		{"POST", "/rbee/v1/generate", generate(`"model":"demo","models_dir":"/home/me"`), 403},
		{"POST", "/rbee/v1/stop", `{"target":"localhost"}`, 403},
		{"POST", "/rbee/v1/models", `{}`, 403},
		{"GET", "/rbee/v1/requests", "", 403},
		{"POST", "/rbee/v1/whatever-comes-later", "", 403},
		{"GET", "/rbee/v1/workers", "", 200},
		{"GET", "/rbee/v1/version", "", 200},
	} {
		if got := ask(Door{}, secret, c.method, c.path, c.body); got != c.status {
			t.Errorf("%s %s %s: %d, want %d", c.method, c.path, c.body, got, c.status)
		}
		if got := ask(Door{Socket: true}, "", c.method, c.path, c.body); got == 403 || got == 401 {
			t.Errorf("the socket's user: %s %s: %d", c.method, c.path, got)
		}
	}
}

// What OpenAI's routes use is charged as what our own use is.
func TestOpenAIsRoutesAreMetered(t *testing.T) {
	secret := keys.New()
	_, handler := keyed(answers(100), true, keys.Key{Name: "a", Hash: keys.Hash(secret), TokensPerMinute: 60})
	h := handler(Door{})
	chat := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "http://localhost/v1/chat/completions", strings.NewReader(`{"model":"demo","messages":[{"role":"user","content":"hi"}]}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+secret)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := chat(); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w := chat()
	if w.Code != 429 || !strings.Contains(w.Body.String(), `"code":"rate_limit_exceeded"`) || w.Header().Get("Retry-After") == "" ||
		w.Header().Get("X-Ratelimit-Remaining-Tokens") != "0" || w.Header().Get("X-Should-Retry") == "false" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
