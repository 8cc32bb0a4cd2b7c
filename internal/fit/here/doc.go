// Package here says what package fit must know of the machine it runs on.
package here
