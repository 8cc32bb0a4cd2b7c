// Package ui is how rbee looks to the person at the terminal, and to the program behind a pipe.
//
// Two channels, never mixed: the answer goes to stdout, everything about it to stderr. An Answer is one of two
// forms of stdout: Plain writes the text as it comes, JSONLines one object per line. A Narrator writes stderr: a
// line for each thing that happens, a progress bar while a model loads (on a terminal only), errors, and the
// receipt.
//
// What comes from other machines is made harmless before it reaches a terminal: control characters in narration
// and errors always, in the model's own text if stdout is a terminal. On a pipe the model's text is passed on as
// it is.
package ui
