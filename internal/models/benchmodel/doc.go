// Package benchmodel writes llama-architecture models with random weights: the right amount of arithmetic and
// memory traffic for measurements, and small odd shapes for comparing one engine with another. What they say is
// noise (also bytes that are no UTF-8), but the same noise every time.
package benchmodel
