package guard

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"rbee/internal/api"
	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
)

// The routes that the document has beyond those of the gateway are the guard's, and all of them.
func TestTheDocumentHasTheRoutesOfTheGuard(t *testing.T) {
	g, at := keyed(&gatewaytest.Backend{}, false)
	g.Status = func() api.Status { return api.Status{} }
	g.Receipt = func(<-chan struct{}) (api.Receipt, bool) { return api.Receipt{}, true }
	g.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	})
	told := map[string]bool{"/healthz": true} // the gateway's, let past
	for _, o := range gateway.Others {
		method, path, _ := strings.Cut(o.Pattern, " ")
		told[path] = true
		w := httptest.NewRecorder()
		at(Door{Socket: true}).ServeHTTP(w, httptest.NewRequest(method, "http://localhost"+path, nil))
		if kind := w.Header().Get("Content-Type"); w.Code != http.StatusOK || !strings.HasPrefix(kind, o.Answer) || o.Summary == "" {
			t.Errorf("%s: %d, %s, the document says %s", o.Pattern, w.Code, kind, o.Answer)
		}
	}
	src, err := os.ReadFile("guard.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`mux\.Handle(?:Func)?\("GET ([^"]+)"|case "(/[^"]+)":`).FindAllStringSubmatch(string(src), -1)
	if len(found) < len(told) {
		t.Errorf("only %d routes are found in the source", len(found))
	}
	for _, m := range found {
		if !told[m[1]+m[2]] {
			t.Errorf("the document lacks %s", m[1]+m[2])
		}
	}
}
