// Package keepalive reads how long a worker stays loaded after its last answer, as ollama's users write it: a number of
// seconds ("300"), a Go duration ("5m"), 0 for not at all, and -1 for ever. No other negative value means anything.
package keepalive

import (
	"errors"
	"math"
	"strconv"
	"time"
)

// Forever is the value that never ends.
const Forever time.Duration = -1

// Most is the longest time that is not for ever.
const Most = 366 * 24 * time.Hour

// Allowed says what Parse takes.
const Allowed = "seconds or a duration like 10m, up to a year; 0 = unload now, -1 = never"

var errNotAllowed = errors.New("allowed is " + Allowed)

// Parse reads text.
func Parse(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if seconds, e := strconv.ParseFloat(text, 64); e == nil && !math.IsNaN(seconds) {
		d, err = time.Duration(max(-2, min(seconds, 2*Most.Seconds()))*float64(time.Second)), nil
	}
	switch {
	case err == nil && d == -time.Second: // -1, and -1s as it was written before there was -1
		return Forever, nil
	case err != nil || d < 0 || d > Most:
		return 0, errNotAllowed
	}
	return d, nil
}

// Millis is d as messages carry it: Forever is -1 there too.
func Millis(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Milliseconds()
}

// Flag is a flag's value.
type Flag struct{ Value *time.Duration }

// Set implements pflag.Value.
func (f Flag) Set(text string) (err error) {
	d, err := Parse(text)
	if err == nil {
		*f.Value = d
	}
	return err
}

// String implements pflag.Value.
func (f Flag) String() string {
	if f.Value == nil || *f.Value < 0 {
		return "-1"
	}
	return f.Value.String()
}

// Type implements pflag.Value.
func (f Flag) Type() string { return "duration" }
