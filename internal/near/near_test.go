package near

import (
	"testing"

	"github.com/spf13/pflag"
)

func TestWordIsNearOrNone(t *testing.T) {
	for typed, want := range map[string]string{"promt": "prompt", "propmt": "prompt", "pro": "prompt", "p": "", "zzz": "", "xy": "", "seeds": "seed"} {
		if got := Word(typed, "seed", "prompt", "prompt-file", "raw"); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestFlagLeavesHiddenAndShortOnesOut(t *testing.T) {
	f := pflag.NewFlagSet("x", pflag.ContinueOnError)
	f.String("socket", "", "")
	f.String("secret", "", "")
	if err := f.MarkHidden("secret"); err != nil {
		t.Fatal(err)
	}
	f.Usage = func() {}
	for _, c := range []struct{ typed, want string }{{"--sockt", "socket"}, {"--secre", ""}, {"-s", ""}, {"--socket", ""}} {
		if got := Flag(f, f.Parse([]string{c.typed})); got != c.want {
			t.Errorf("%s: %q, want %q", c.typed, got, c.want)
		}
	}
}

func TestWordPrefersTheNearest(t *testing.T) {
	for word, want := range map[string]string{
		"prot": "port", "hots": "host", "model": "models_dir", "identiy": "identity", "host": "host", "x": "", "zzzz": "", "": "", "po": "port",
	} {
		if got := Word(word, "host", "port", "models_dir", "identity"); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
