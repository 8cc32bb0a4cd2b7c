// Package chat speaks a model's own dialect: it writes a conversation as the model was taught to read it, and reads
// the tool calls out of what the model wrote.
//
// A model file brings its chat template, a Jinja program. Parse checks and compiles it, Render runs it. The template
// comes from whoever made the file, so it is not trusted: it reads no files, and the work it does, the memory its
// values take and the text it makes are bounded (guard.go says how).
//
// Models write tool calls in different ways. FormatOf tells which one a template speaks of; ToolGrammar makes a
// grammar that leaves the model no way but a valid call; a ToolParser cuts an answer, while it arrives, into text and
// calls in OpenAI's shape.
//
// The package is pure: no I/O, no goroutine, and no clock but the one it is given.
package chat
