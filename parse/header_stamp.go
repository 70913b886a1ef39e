package parse

import "mailforensics/mail"

func isDigit(c byte) bool { return c-'0' <= 9 }

// twoDigits reads "07", or " 7".
func twoDigits(s string) (int, bool) {
	if !isDigit(s[1]) {
		return 0, false
	}
	n := int(s[1] - '0')
	if s[0] == ' ' {
		return n, true
	}
	return int(s[0]-'0')*10 + n, isDigit(s[0])
}

func fourDigits(s string) (int, bool) {
	if !isDigit(s[0]) || !isDigit(s[1]) || !isDigit(s[2]) || !isDigit(s[3]) {
		return 0, false
	}
	return int(s[0]-'0')*1000 + int(s[1]-'0')*100 + int(s[2]-'0')*10 + int(s[3]-'0'), true
}

// word returns the first eight bytes of s, the first one lowest.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

const (
	zeros    = 0x3030303030303030 // eight times '0'
	pastNine = 0x7676767676767676 // what makes a digit above 9 reach the high bit, where '0' was taken off before
	highBits = 0x8080808080808080
)

// secondOfDay reads the "04:12:09" that s begins with. A leap second is second 60.
func secondOfDay(s string) (int, bool) {
	if len(s) < 8 {
		return 0, false
	}
	return secondOf(word(s))
}

// secondOf is secondOfDay for eight bytes, which are checked and converted as one number: that takes a third of the time of eight
// checks.
func secondOf(clock uint64) (int, bool) {
	const (
		shape = 0x30303a30303a3030 // "00:00:00"
		over  = 0x76767f76767f7676 // as pastNine, and anything in the place of a colon
	)
	t := clock ^ shape
	if (t|(t+over))&highBits != 0 {
		return 0, false
	}
	hour := t&0xf*10 + t>>8&0xf
	minute := t>>24&0xf*10 + t>>32&0xf
	second := t>>48&0xf*10 + t>>56
	return int(hour*3600 + minute*60 + second), hour < 24 && minute < 60 && second <= 60
}

// fraction reads ".183422" (or ",183", ISO 8601) at the beginning of s, and returns its length; 0: there is none. Digits after
// the ninth are dropped.
func fraction(s string) (nano mail.Instant, n int) {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' || !isDigit(s[1]) {
		return 0, 0
	}
	value, digits := CutNumber(s[1:])
	n = 1 + digits
	if digits <= 9 {
		return mail.Instant(value) * tens[9-digits], n
	}
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return mail.Instant(value / 10), n
}

// tens are the powers of ten.
var tens = [...]mail.Instant{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// offsetOf reads "Z", "+01:00", "+0100" or "+01" at the beginning of s, and returns the seconds east of UTC, and its length; 0:
// there is none.
func offsetOf(s string) (offset int64, n int) {
	if s == "" {
		return 0, 0
	}
	if s[0] == 'Z' || s[0] == 'z' {
		return 0, 1
	}
	return signedOffset(s)
}

func signedOffset(s string) (offset int64, n int) {
	if len(s) < 3 || s[0] != '+' && s[0] != '-' || !isDigit(s[1]) || !isDigit(s[2]) {
		return 0, 0
	}
	offset, n = (int64(s[1]-'0')*10+int64(s[2]-'0'))*3600, 3
	minutes := n
	if len(s) > n && s[n] == ':' {
		minutes++
	}
	if len(s) >= minutes+2 && isDigit(s[minutes]) && isDigit(s[minutes+1]) {
		offset += (int64(s[minutes]-'0')*10 + int64(s[minutes+1]-'0')) * 60
		n = minutes + 2
	}
	if s[0] == '-' {
		return -offset, n
	}
	return offset, n
}

// monthOf returns the number of the month with whose English abbreviation s begins; 0: none.
func monthOf(s string) int {
	if len(s) < 3 {
		return 0
	}
	switch s[:3] {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return 0
}

func isWeekday(s string) bool {
	switch s[:3] {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}
