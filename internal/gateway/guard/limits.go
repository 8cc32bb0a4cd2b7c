package guard

import (
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"rbee/internal/fault"
	"rbee/internal/keys"
)

// tenant is what a key has used. Its fields are the Meter's to lock.
type tenant struct {
	key     keys.Key
	bucket  *rate.Limiter // nil: any number of tokens
	running int
}

// limit takes over what the key says now; what was used stays used.
func (t *tenant) limit(k keys.Key) {
	if t.key.Hash != k.Hash { // another key under an old name
		t.bucket = nil
	}
	t.key = k
	perSecond := rate.Limit(float64(k.TokensPerMinute) / 60)
	switch {
	case k.TokensPerMinute == 0:
		t.bucket = nil
	case t.bucket == nil:
		t.bucket = rate.NewLimiter(perSecond, k.TokensPerMinute)
	case t.bucket.Burst() != k.TokensPerMinute:
		t.bucket.SetLimit(perSecond)
		t.bucket.SetBurst(k.TokensPerMinute)
	}
}

// enter lets one more request begin. What it will use is not known yet: it may begin as long as the bucket is not in
// debt, and what it used is charged afterwards.
func (t *tenant) enter(h http.Header, now time.Time) *fault.Error {
	if most := t.key.Concurrent; most > 0 && t.running >= most {
		return fault.New(fault.QuotaExceeded, "the key %s has %d requests running, allowed are %d at the same time", t.key.Name, t.running, most).
			WithHint("wait for one of them to end, or raise its --concurrent").With("running", t.running).With("limit", most).With("retry_after_s", 1)
	}
	if t.bucket == nil {
		t.running++
		return nil
	}
	most, left := t.key.TokensPerMinute, t.bucket.TokensAt(now)
	perSecond := float64(most) / 60
	h.Set("X-Ratelimit-Limit-Tokens", fmt.Sprint(most))
	h.Set("X-Ratelimit-Remaining-Tokens", fmt.Sprint(max(int(left), 0)))
	h.Set("X-Ratelimit-Reset-Tokens", fmt.Sprintf("%.3fs", max(float64(most)-left, 0)/perSecond))
	if left < 1 {
		wait := int((1-left)/perSecond) + 1
		return fault.New(fault.QuotaExceeded, "the key %s has used its %d tokens a minute", t.key.Name, most).
			WithHint("ask again in %d s, or raise its --tokens-per-minute", wait).With("limit", most).With("retry_after_s", wait)
	}
	t.running++
	return nil
}

// charge takes n tokens, into debt if need be.
func (t *tenant) charge(n int64, now time.Time) {
	if t.bucket == nil {
		return
	}
	for burst := int64(t.bucket.Burst()); n > 0; n -= burst { // the library reserves a burst at most
		t.bucket.ReserveN(now, int(min(n, burst)))
	}
}
