// Package nativecrash makes a process that dies in native code die by the signal, as every other program does.
//
// Go takes SIGSEGV and its like for itself, because in Go code they are panics. When one is raised by native code
// that Go code called, the runtime prints every goroutine and ends with exit status 2: whoever waits for the process
// cannot tell a crash of the engine from anything else, and the engine's own last words are pushed out of the tail of
// its stderr. (debug.SetTraceback("crash") is no way out: it ends with SIGABRT whatever happened, after up to 10 s.)
//
// After Keep, a signal that is raised outside of this program's own code gets its default action again: the process
// dies of it, at once and in silence. Inside Go code nothing changes: a nil pointer is a panic.
package nativecrash
