package guard

import (
	"net/http"
	"strings"
	"time"

	"rbee/internal/fault"
	"rbee/internal/gateway"
	"rbee/internal/keys"
)

// identified finds out who asks. Where no key is needed, clients that must send one may send any: only what looks
// like a key of ours must be one, so that a key which was taken away, or has a slip in it, is not taken for nobody.
func (g *Guard) identified(door Door, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header["Authorization"]
		r.Header.Del("Authorization") // nothing behind this point has a use for it, least of all a log
		needed := !door.Socket && (!door.Loopback || g.Settings().RequireKeys)
		secret, ok := keys.Bearer(header)
		if !needed && (!ok || !strings.HasPrefix(secret, keys.Prefix)) {
			next.ServeHTTP(w, r)
			return
		}
		key, why := g.key(secret, ok)
		if why != "" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="rbee"`)
			deny(w, r, fault.New(fault.Unauthorized, "%s", why).
				WithHint("send one in the header Authorization: Bearer KEY (OPENAI_API_KEY of most clients); rbee key add makes one"))
			return
		}
		g.Meter.know(key)
		caller := gateway.Caller{Tenant: key.Name, Weight: key.Weight, Models: key.Models}
		next.ServeHTTP(w, r.WithContext(gateway.WithCaller(r.Context(), caller)))
	})
}

func (g *Guard) key(secret string, readable bool) (k keys.Key, why string) {
	switch {
	case !readable:
		return k, "the Authorization header is not Bearer and a key"
	case secret == "":
		return k, "no API key was sent, and this address needs one"
	}
	k, found := g.Keys().Find(secret)
	switch {
	case !found:
		return k, "the API key is not known" // and is not repeated: it may be somebody's, with a slip in it
	case k.Expired(time.Now()):
		return k, "the API key " + k.Name + " expired on " + k.Expires.UTC().Format("2006-01-02 15:04 MST")
	}
	return k, ""
}
