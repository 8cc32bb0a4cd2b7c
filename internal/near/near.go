// Package near finds what somebody meant who mistyped a name.
package near

import "strings"

// Match returns the name among known that word was probably meant to be, or "". It must start with word, or be at
// most two edits away and less than half of it.
func Match(word string, known []string) string {
	best, distance := "", 3
	for _, name := range known {
		d := edits(word, name)
		if len(word) >= 2 && strings.HasPrefix(name, word) {
			d = min(d, 1)
		}
		if d < distance && 2*d <= len(word) {
			best, distance = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance: how many bytes to insert, delete or replace.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := diagonal
			if a[i-1] != b[j-1] {
				replace++
			}
			diagonal = row[j]
			row[j] = min(replace, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
