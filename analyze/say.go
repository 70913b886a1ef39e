package analyze

import (
	"fmt"
	"io"
	"slices"
	"strconv"
)

// say is fmt.Sprintf for sentences: a whole number is written as a person reads it, 4,012.
func say(format string, args ...any) string {
	args = slices.Clone(args)
	for i, a := range args {
		if n, ok := a.(int); ok {
			args[i] = spoken(n)
		}
	}
	return fmt.Sprintf(format, args...)
}

// spoken is a number in a sentence, whatever the verb.
type spoken int

func (n spoken) Format(s fmt.State, _ rune) {
	digits := strconv.Itoa(int(n))
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	io.WriteString(s, digits)
}

// plural is "1 message", "2 messages", "4,012 messages".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return say("%d %s", n, many)
}
