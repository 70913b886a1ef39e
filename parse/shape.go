package parse

// Shape returns what unfamiliar lines of a kind have in common: digits, hexadecimal numbers, addresses, host names and other
// variable words are masked. It is for people, and for counting; it has at most 160 bytes.
func Shape(process, body string) string {
	shape := make([]byte, 0, 128)
	shape = append(appendMasked(shape, process), ": "...)
	for i := 0; i < len(body) && len(shape) < longestShape; {
		end := wordEnd(body, i)
		if end == i { // a blank or a mark
			shape = appendMark(shape, body[i])
			i++
			continue
		}
		shape = appendMasked(shape, body[i:end])
		i = end
	}
	if len(shape) > longestShape {
		shape = append(shape[:longestShape-3], "..."...)
	}
	return string(shape)
}

const longestShape = 160

// wordEnd returns the end of the word that begins at i: letters, digits, and the other characters of names and addresses.
func wordEnd(s string, i int) int {
	for i < len(s) && isWord(s[i]) {
		i++
	}
	return i
}

func isWord(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 || c == '@' || c == '.' || c == '-' || c == '_' || c == '/' || c == '+'
}

// appendMark appends a character between words. Several blanks become one; a control character becomes a question mark.
func appendMark(shape []byte, c byte) []byte {
	switch {
	case c == ' ' && len(shape) > 0 && shape[len(shape)-1] == ' ':
		return shape
	case c < ' ' || c == 0x7f:
		c = '?'
	}
	return append(shape, c)
}

// appendMasked appends a word, or what kind of word it is. A word with a digit, an @ or a dot inside may be somebody's name; any
// other word is the program's.
func appendMasked(shape []byte, word string) []byte {
	digits, letters, dots, at, odd := 0, 0, 0, false, false
	for i := range len(word) {
		switch c := word[i]; {
		case isDigit(c):
			digits++
		case c == '@':
			at = true
		case c == '.' && i > 0 && i < len(word)-1:
			dots++
		case c >= 0x80:
			odd = true
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letters++
		}
	}
	const longWord = 24
	switch {
	case at:
		return append(shape, "<address>"...)
	case odd || len(word) > longWord && dots == 0:
		return append(shape, "<text>"...)
	case digits == 0 && dots == 0:
		return append(shape, word...)
	case letters == 0:
		return append(shape, '#')
	case dots > 0:
		return append(shape, "<name>"...)
	}
	return append(shape, "<id>"...)
}
