package messages

import "rbee/internal/fault"

// FromFault puts a failure on the wire.
func FromFault(e *fault.Error) *Error {
	return &Error{Code: string(e.Code), Message: e.Message, Hint: e.Hint, DetailsJson: e.DetailsJSON()}
}

// Fault takes a failure off the wire.
func (e *Error) Fault() *fault.Error {
	f := fault.New(fault.Code(e.GetCode()), "%s", e.GetMessage())
	f.Hint = e.GetHint()
	return f.SetDetailsJSON(e.GetDetailsJson())
}
