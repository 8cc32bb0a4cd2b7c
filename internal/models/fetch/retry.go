package fetch

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// retry makes attempts until one succeeds, fails for good, or Options.Attempts in a row got nothing done. attempt
// says whether it got further, by even one byte; then the count begins anew, because the next attempt goes on from
// there. what is named in the error.
func (d *hub) retry(ctx context.Context, what string, attempt func(context.Context) (further bool, err error)) error {
	failed := 0
	for {
		further, err := attempt(ctx)
		if err == nil {
			return nil
		}
		var a *again
		if ctx.Err() != nil || !errors.As(err, &a) {
			return err
		}
		if further {
			failed = 0
		}
		if failed++; failed >= d.Attempts {
			return d.gaveUp(what, failed, a.cause)
		}
		if err := d.wait(ctx, d.pause(failed, a.after)); err != nil {
			return err
		}
	}
}

// pause is how long to wait after so many failures in a row: doubling, x0.5 to 1.5, so that many who lost the same
// server do not come back together; never shorter than the server asked for, up to a limit.
func (d *hub) pause(failed int, asked time.Duration) time.Duration {
	wait := d.FirstWait << min(failed-1, 16)
	wait = min(wait, d.MaxWait)
	wait = time.Duration(float64(wait) * (0.5 + rand.Float64()))
	return max(wait, min(asked, d.MaxRetryAfter))
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads the header of that name, which has seconds or a date. 0: it says nothing of use.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(0, min(s, 1<<20))) * time.Second
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
