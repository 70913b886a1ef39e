package parse

import "strings"

// CutLast is strings.Cut at the last sep: what a client wrote comes first in many lines and may contain sep, what the daemon adds may not.
func CutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
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
