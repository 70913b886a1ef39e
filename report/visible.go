package report

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Everything that a log says was written by somebody who may be an attacker: a HELO with terminal escapes, a local part
// with a right-to-left override, a subject with a line break. Each writer makes such text harmless in one function:
// Visible (terminal, tables), cell (CSV), markdown (Markdown), appendString (JSON). They agree on what is harmful.

const hexDigits = "0123456789abcdef"

// harmless reports whether r may reach a reader as it is: letters, marks, numbers, punctuation, symbols and blanks. Not so
// controls (C0, DEL, C1, hence ESC and CSI), bidirectional controls, line and paragraph separators, unassigned and private
// characters. The two joiners are kept: Persian, Indic scripts and emoji need them, and they move nothing.
func harmless(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= ' ' && r != 0x7f
	}
	return unicode.IsGraphic(r) && r != '\u2028' && r != '\u2029' || r == '\u200c' || r == '\u200d'
}

// Visible is s with everything that is not harmless as an escape that can be read: \x1b, \u202e. Bytes that are not UTF-8
// are \xff. It stays on one line.
func Visible(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || !harmless(rune(s[i])) {
			return string(appendVisible(append(make([]byte, 0, len(s)+16), s[:i]...), s[i:]))
		}
	}
	return s
}

func appendVisible(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, '\\', 'x', hexDigits[s[0]>>4], hexDigits[s[0]&15])
		case harmless(r):
			dst = append(dst, s[:size]...)
		case r < utf8.RuneSelf:
			dst = append(dst, '\\', 'x', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = appendEscape(dst, r)
		}
		s = s[size:]
	}
	return dst
}

// appendEscape appends \uXXXX, as two surrogates where r needs them.
func appendEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		return appendEscape(appendEscape(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// cell is s as a cell of a CSV file: visible, and never taken for a formula by a spreadsheet, which would run what an
// attacker wrote into his HELO (OWASP, "CSV Injection"). TAB and CR count as starts of a formula, too, but visible has
// already turned them into letters; so do the wide forms of the signs, and a sign behind a semicolon, at which a
// spreadsheet parts the cells where people write a comma for the decimal point.
func cell(s string) string {
	formula := s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0
	for _, wide := range [...]string{"＝", "＋", "－", "＠"} {
		formula = formula || strings.HasPrefix(s, wide)
	}
	s = Visible(s)
	if strings.IndexByte(s, ';') >= 0 {
		s = parted.Replace(s)
	}
	if formula {
		return "'" + s
	}
	return s
}

var parted = strings.NewReplacer(";=", ";'=", ";+", ";'+", ";-", ";'-", ";@", ";'@")

// markdown is s as prose of a Markdown document: visible, and with every character escaped that Markdown (CommonMark and
// GitHub's tables) or HTML would act on, and the marks by which GitHub makes links of a bare URL or address. What
// acts only at the start of a line, or after a bracket, is left alone: callers put no text of a log at the start of a line.
func markdown(s string) string {
	s = Visible(s)
	if !strings.ContainsAny(s, markdownActive) && !strings.Contains(s, "www.") {
		return s
	}
	dst := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		switch c := s[i]; {
		case strings.IndexByte("<>&@", c) >= 0, c == ':' && strings.HasPrefix(s[i:], "://"), c == '.' && strings.HasSuffix(s[:i], "www"):
			dst = append(strconv.AppendInt(append(dst, "&#"...), int64(c), 10), ';')
		case c != ':' && strings.IndexByte(markdownActive, c) >= 0:
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return string(dst)
}

const markdownActive = "\\`*_[]|~<>&@:"

// code is s as a code span, where nothing is acted on: for addresses, names and log lines. The fence is longer than any run
// of back quotes inside (CommonMark, section 6.1); a bar is escaped, because GitHub's tables look for bars first.
func code(s string) string {
	s = Visible(s)
	if s == "" {
		return ""
	}
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 || s[0] == ' ' || s[len(s)-1] == ' ' {
		s = " " + s + " "
	}
	return fence + strings.ReplaceAll(s, "|", "\\|") + fence
}
