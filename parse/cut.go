package parse

import "strings"

// CutLast is strings.Cut at the last sep: what a client wrote comes first in many lines and may contain sep, what the daemon adds may not.
func CutLast(s, sep string) (before, after string, found bool) {
	at := LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// LastIndex is strings.LastIndex for a sep that rarely occurs more than once: to look for it from the front, as strings.Index does, is
// many times faster.
func LastIndex(s, sep string) int {
	last := -1
	for from := 0; ; {
		i := strings.Index(s[from:], sep)
		if i < 0 {
			return last
		}
		last = from + i
		from = last + 1
	}
}

// AllDigits reports whether a word is a number: decimal digits, at least one.
func AllDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}
