package logfile

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 removes a byte order mark, and converts UTF-16 to UTF-8. Windows tools (PowerShell's ">", Event Viewer, Notepad) export
// UTF-16 with a mark. The name says what was found: "" (nothing to do), "UTF-8 with a byte order mark", "UTF-16".
func toUTF8(r *bufio.Reader) (text io.Reader, name string) {
	head, _ := r.Peek(32)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		r.Discard(3)
		return r, "UTF-8 with a byte order mark"
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		r.Discard(2)
		return utf16Reader(r, 0), "UTF-16"
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		r.Discard(2)
		return utf16Reader(r, 1), "UTF-16"
	case isUTF16(head, 0):
		return utf16Reader(r, 0), "UTF-16"
	case isUTF16(head, 1):
		return utf16Reader(r, 1), "UTF-16"
	}
	return r, ""
}

// isUTF16 reports whether head is ASCII text in UTF-16 without a mark: the low bytes are printable, the high ones NUL. low is the
// place of the low byte in a unit: 0 or 1.
func isUTF16(head []byte, low int) bool {
	if len(head) < 16 {
		return false
	}
	for i, c := range head {
		if (i%2 == low) != (c >= ' ' && c < 0x7f) || (i%2 != low) != (c == 0) {
			return false
		}
	}
	return true
}

// utf16Reader returns a reader of UTF-8 that is UTF-16 in r. low is the place of the low byte in a unit: 0 or 1.
func utf16Reader(r *bufio.Reader, low int) io.Reader {
	return &converted{fill: (&utf16Decoder{in: r, low: low, high: 1 - low}).fill}
}

// utf16Decoder converts UTF-16 to UTF-8.
type utf16Decoder struct {
	in        *bufio.Reader
	low, high int  // places of the low and the high byte in a unit of two bytes: 0 or 1
	first     rune // the first half of a surrogate pair, whose second half must come next; 0: none
}

func (u *utf16Decoder) fill(out []byte) (text []byte, err error) {
	for len(out) < cap(out)-2*utf8.UTFMax && err == nil {
		var unit [2]byte
		if unit[0], err = u.in.ReadByte(); err == nil {
			unit[1], err = u.in.ReadByte() // an odd byte at the end is dropped
		}
		if err == nil {
			out = u.append(out, rune(unit[u.low])|rune(unit[u.high])<<8)
		}
	}
	if err != nil && u.first != 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
		u.first = 0
	}
	return out, err
}

// append appends one unit of UTF-16; half a pair becomes U+FFFD.
func (u *utf16Decoder) append(out []byte, c rune) []byte {
	if u.first != 0 {
		pair := utf16.DecodeRune(u.first, c)
		u.first = 0
		out = utf8.AppendRune(out, pair)
		if pair != utf8.RuneError {
			return out
		}
	}
	if utf16.IsSurrogate(c) {
		if c < 0xdc00 {
			u.first = c
			return out
		}
		c = utf8.RuneError
	}
	return utf8.AppendRune(out, c)
}
