package keepalive

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "300": 5 * time.Minute, "1.5": 1500 * time.Millisecond, "10m": 10 * time.Minute, "100ms": 100 * time.Millisecond,
		"-1": Forever, "-1s": Forever, "8760h": 8760 * time.Hour,
	} {
		if d, err := Parse(text); err != nil || d != want {
			t.Errorf("%q is %v, %v; want %v", text, d, err, want)
		}
	}
	for _, text := range []string{"", "x", "-2", "-5m", "-1m", "-0.5", "NaN", "Inf", "-Inf", "1e300", "9000h", "5 m", "-1.5"} {
		if d, err := Parse(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}

func TestAFlagShowsWhatItTook(t *testing.T) {
	d := 5 * time.Minute
	f := Flag{&d}
	for set, shows := range map[string]string{"90": "1m30s", "-1": "-1", "0": "0s"} {
		if err := f.Set(set); err != nil || f.String() != shows {
			t.Errorf("%s shows %s, %v", set, f, err)
		}
	}
	if f.Set("-7m") == nil || d < -1 {
		t.Errorf("a negative time was taken: %v", d)
	}
}
