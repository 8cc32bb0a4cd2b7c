// Package demo makes rbee's built-in model: a real llama-architecture GGUF whose weights are written by hand
// instead of trained. It is small, made in milliseconds, the same on every machine, and recites readable English,
// so a first run and every test can go the whole way through a real engine without downloading anything.
//
// How it works, in the engine's own terms:
//
//   - Every token is read as a code: 40 numbers of +1 or -1, so that two codes hardly ever look alike. Upper and
//     lower case of a word share a code.
//   - The one attention layer has four heads. Three look exactly one, two and three tokens back (rotary position
//     makes that a sharp peak) and copy the code they see into a slot of their own. The fourth looks for the latest
//     word that names a topic ("story", "haiku", ...).
//   - The feed-forward layer holds one unit per rule "after these codes comes that token". A unit fires only when
//     all its codes match. Longer rules speak louder, which makes the whole an n-gram model with back-off.
//   - The output matrix turns the answer's code into the token.
//
// Greedy decoding therefore follows the corpus word by word and stops at its end; sampling at a temperature
// crosses from one text into another where they share a few words.
package demo
