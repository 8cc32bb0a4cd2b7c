package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"rbee/internal/fault"
)

type spansData struct {
	OTLP []byte `json:"otlp"`
}

// SpansData is the data of a spans event.
func SpansData(otlp []byte) any { return spansData{otlp} }

// decode makes an event of its name and data. known is false for an event of a later version, which is skipped.
func decode(kind string, data []byte) (e Event, known bool, err error) {
	e.Kind = Kind(kind)
	switch e.Kind {
	case KindToken:
		e.Text, err = tokenText(data)
	case KindNarration:
		e.Narration = new(Narration)
		err = json.Unmarshal(data, e.Narration)
	case KindAccepted:
		e.Accepted = new(Accepted)
		err = json.Unmarshal(data, e.Accepted)
	case KindPrefill:
		e.Prefill = new(Prefill)
		err = json.Unmarshal(data, e.Prefill)
	case KindDone:
		e.Done = new(Done)
		err = json.Unmarshal(data, e.Done)
	case KindError:
		e.Error = new(Failure)
		if err = json.Unmarshal(data, e.Error); err == nil && e.Error.Error == nil {
			e.Error.Error = fault.New(fault.Internal, "the queen reported a failure without saying which")
		}
	case KindSpans:
		var s spansData
		err = json.Unmarshal(data, &s)
		e.Spans = s.OTLP
	default:
		return Event{}, false, nil
	}
	if err != nil {
		return Event{}, true, fmt.Errorf("cannot read %s event: %w", kind, err)
	}
	return e, true, nil
}

// tokenText reads {"text":"..."}; the plain case, which is nearly every token, without encoding/json.
func tokenText(data []byte) (string, error) {
	const head, tail = `{"text":"`, `"}`
	if len(data) >= len(head)+len(tail) && bytes.HasPrefix(data, []byte(head)) && bytes.HasSuffix(data, []byte(tail)) {
		body := data[len(head) : len(data)-len(tail)]
		if plain(body) {
			return string(body), nil
		}
	}
	var t struct {
		Text string `json:"text"`
	}
	err := json.Unmarshal(data, &t)
	return t.Text, err
}

// plain reports whether b stands for itself inside a JSON string.
func plain(b []byte) bool {
	ascii := true
	for _, c := range b {
		if c == '"' || c == '\\' || c < ' ' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.Valid(b)
}
