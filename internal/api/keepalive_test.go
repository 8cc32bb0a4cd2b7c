package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestKeepAliveIsANumberOfSecondsOrADuration(t *testing.T) {
	for text, want := range map[string]time.Duration{`0`: 0, `300`: 5 * time.Minute, `"300"`: 5 * time.Minute, `"10m"`: 10 * time.Minute, `-1`: -1, `"-1"`: -1, `1.5`: 1500 * time.Millisecond} {
		var r GenerateRequest
		if err := json.Unmarshal([]byte(`{"keep_alive":`+text+`}`), &r); err != nil || r.KeepAlive == nil || r.KeepAlive.Duration() != want {
			t.Errorf("%s: %v, %v", text, r.KeepAlive, err)
		}
		if e := keepAlive("keep_alive", r.KeepAlive); e != nil {
			t.Errorf("%s: %v", text, e)
		}
	}
	for _, text := range []string{`true`, `[]`, `{}`} {
		var r GenerateRequest
		var e *FieldError
		if err := json.Unmarshal([]byte(`{"keep_alive":`+text+`}`), &r); !errors.As(err, &e) || !strings.HasPrefix(e.Error(), "keep_alive is ") {
			t.Errorf("%s: %v", text, err)
		}
	}
	var r GenerateRequest
	if err := json.Unmarshal([]byte(`{"keep_alive":null}`), &r); err != nil || r.KeepAlive != nil {
		t.Errorf("null: %v, %v", r.KeepAlive, err)
	}
}
