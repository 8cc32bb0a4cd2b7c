package testkit

import (
	"fmt"
	"os"
	"time"

	"go.uber.org/goleak"
)

// VerifyNoLeaks ends a TestMain: it exits with code, or with 1 and their stacks if goroutines are still there after
// limit. goleak's own patience is a second; the actor library sleeps for two after it failed to reach somebody.
func VerifyNoLeaks(code int, limit time.Duration, o ...goleak.Option) {
	err := goleak.Find(o...)
	for deadline := time.Now().Add(limit); err != nil && time.Now().Before(deadline); {
		err = goleak.Find(o...)
	}
	if code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
