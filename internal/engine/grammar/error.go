package grammar

import "rbee/internal/fault"

// MaxWork is how many positions in a grammar are looked at for one byte of text.
const MaxWork = 20_000

// ErrTooAmbiguous means that a text can be read in so many ways that to follow them all takes more than MaxWork.
var ErrTooAmbiguous error = fault.New(fault.InvalidRequest, "the grammar can be read in too many ways at once to be followed").
	WithHint("rules that begin alike, and repetitions of what may be empty, make a text readable in many ways").
	With("field", "grammar")
