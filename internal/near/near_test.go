package near

import "testing"

func TestMatch(t *testing.T) {
	known := []string{"host", "port", "models_dir", "identity"}
	for word, want := range map[string]string{
		"prot": "port", "hots": "host", "model": "models_dir", "identiy": "identity", "host": "host",
		"x": "", "zzzz": "", "": "", "po": "port",
	} {
		if got := Match(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
