package api

import (
	"bytes"
	"encoding/json"
	"time"

	"rbee/internal/keepalive"
)

// KeepAlive is a number of seconds or a duration in quotes, as it was written; Validate says whether it is one.
type KeepAlive string

// UnmarshalJSON implements json.Unmarshaler.
func (k *KeepAlive) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(k))
	case b[0] == '-' || '0' <= b[0] && b[0] <= '9':
		*k = KeepAlive(b)
		return nil
	}
	return &FieldError{"keep_alive", shown(string(b)), keepalive.Allowed}
}

// Duration is the time it means; only of one that is valid.
func (k KeepAlive) Duration() time.Duration {
	d, _ := keepalive.Parse(string(k))
	return d
}

func keepAlive(field string, k *KeepAlive) *FieldError {
	if k == nil {
		return nil
	}
	if _, err := keepalive.Parse(string(*k)); err != nil {
		return &FieldError{field, shown(string(*k)), keepalive.Allowed}
	}
	return nil
}
