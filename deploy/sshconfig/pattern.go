package sshconfig

import "strings"

// MatchPattern says whether a pattern with * (any characters) and ? (exactly one) matches all of s.
func MatchPattern(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0: // let the last * take one more
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchPatterns says whether one of the patterns matches and none of the negated ones does; specific says that one
// other than "*" did.
func matchPatterns(patterns []string, s string) (matched, specific bool) {
	for _, p := range patterns {
		not := strings.HasPrefix(p, "!")
		if p = strings.TrimPrefix(p, "!"); p == "" || !MatchPattern(p, s) {
			continue
		}
		if not {
			return false, false
		}
		matched, specific = true, specific || strings.Trim(p, "*") != ""
	}
	return matched, specific
}

// MatchList is matchPatterns for a list with commas, as Match and the lists of algorithms use them.
func MatchList(list, s string) bool {
	matched, _ := matchPatterns(strings.Split(list, ","), s)
	return matched
}
