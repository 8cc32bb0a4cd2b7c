package api

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"rbee/internal/fault"
)

// FieldError says which field of a request is wrong. It keeps the three parts apart, so that the command line can
// put its flag's name in the place of the field's.
type FieldError struct {
	Field   string
	Value   string // as shown: quoted and shortened, or "empty"
	Allowed string
}

// Text is the error with another name for the field.
func (e *FieldError) Text(name string) string {
	return fmt.Sprintf("%s is %s, allowed is %s", name, e.Value, e.Allowed)
}

func (e *FieldError) Error() string { return e.Text(e.Field) }

// Fault is the error as INVALID_REQUEST, with field, value and allowed among its details.
func (e *FieldError) Fault() *fault.Error {
	return fault.Wrap(fault.InvalidRequest, e, "%s", e.Error()).
		With("field", e.Field).With("value", e.Value).With("allowed", e.Allowed)
}

// shown is s as a value in an error: quoted, and cut after 60 bytes.
func shown(s string) string {
	const most = 60
	if s == "" {
		return "empty"
	}
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%q... (%d bytes)", s[:cut], len(s))
}
