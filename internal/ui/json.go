package ui

import (
	"bytes"
	"encoding/json"
)

// marshal writes v on one line, with < and > as they are: this is no web page.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}
