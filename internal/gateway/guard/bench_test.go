package guard

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"rbee/internal/keys"
)

// BenchmarkGuard is what a request costs before it reaches the API: host, key among 100, limits.
func BenchmarkGuard(b *testing.B) {
	var all []keys.Key
	secret := keys.New()
	for i := range 100 {
		k := keys.Key{Name: "k" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Hash: keys.Hash(keys.New()), TokensPerMinute: 1e9}
		if i == 50 {
			k.Hash = keys.Hash(secret)
		}
		all = append(all, k)
	}
	g, _ := keyed(answers(1), true, all...)
	h := g.Handler(Door{Loopback: true}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "http://localhost/rbee/v1/generate", nil)
		r.Header["Authorization"] = []string{"Bearer " + secret}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
