package parse

import (
	"math/bits"
	"strings"
)

// CutLast is strings.Cut at the last sep: what a client wrote comes first in many lines and may contain sep, what the daemon adds may not.
func CutLast(s, sep string) (before, after string, found bool) {
	at := LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// LastIndex is strings.LastIndex for a sep that is not empty and rarely occurs more than once: to look for it from the front, as
// strings.Index does, is many times faster.
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

// CutNumber reads the digits at the beginning of s, at most ten, and returns their number and how many they are; 0: s begins with none.
func CutNumber(s string) (n, digits int) {
	if len(s) >= 8 { // eight bytes are tested as one number: see secondOf
		t := word(s) ^ zeros
		if other := (t | (t + pastNine)) & highBits; other != 0 {
			digits = bits.TrailingZeros64(other) / 8
			if digits == 0 {
				return 0, 0
			}
			// The digits move to the high end, and are added in pairs, in fours, in eights.
			t <<= (64 - 8*digits) & 63
			t = t * (1 + 10<<8) >> 8 & 0x00ff00ff00ff00ff
			t = t * (1 + 100<<16) >> 16 & 0x0000ffff0000ffff
			return int(t * (1 + 10000<<32) >> 32), digits
		}
	}
	for digits < len(s) && digits < 10 && isDigit(s[digits]) {
		n = n*10 + int(s[digits]-'0')
		digits++
	}
	return n, digits
}
