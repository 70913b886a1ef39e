package report

import (
	"strings"
)

// argument is a word that is no option.
func argument(word string) string {
	if strings.HasPrefix(word, "-") {
		return "-- " + quote(word)
	}
	return quote(word)
}

// mask is a login where doveadm takes a pattern: one that is called "*" is not everybody.
func mask(account string) string { return argument(anyByte.Replace(account)) }

// anyByte stands for what doveadm may take for a part of a pattern. It knows no escape (2.3, lib/wildcard-match.c) but may yet
// learn one: a "?" for each is the narrowest pattern that matches the login.
var anyByte = strings.NewReplacer("*", "?", `\`, "?")

// literal takes their meaning from the characters of which find makes patterns.
var literal = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`)

// quote is s as one word of a POSIX shell. Control characters cannot be typed and are shown as escapes by the writer; in
// single quotes they do nothing.
func quote(s string) string {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("@%+=:,./_-", c) >= 0 {
			continue
		}
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	if s == "" {
		return "''"
	}
	return s
}
