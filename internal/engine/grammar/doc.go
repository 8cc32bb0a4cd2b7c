// Package grammar says which texts, and which tokens of a vocabulary, a grammar lets come next.
//
// A grammar comes from a client and is applied after every token, on the thread that computes for everybody. So it must
// not be able to hang, to crash or to fill the memory. llama.cpp's own matcher keeps a list of stacks and throws C++
// exceptions: it can be made to do all three, by a grammar that parses well. Here:
//
//   - New refuses what is wrong or too large (package gbnf reads it).
//   - A State is a set of positions in the grammar. Calls of rules are shared nodes of a graph instead of stacks
//     (generalised LL parsing), so an ambiguous grammar costs a polynomial. What one byte may cost is bounded too:
//     MaxWork.
//   - Everything works on bytes: a class of characters is compiled to sequences of byte ranges, because tokens may end
//     inside a character.
//
// States are values: nothing of an older one changes when a newer is made, so a vocabulary is searched by trying.
package grammar
