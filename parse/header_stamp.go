package parse

import (
	"time"

	"mailforensics/mail"
)

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

// secondOfDay reads the "04:12:09" that s begins with. A leap second is second 60.
func secondOfDay(s string) (int, bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, false
	}
	if !isDigit(s[0]) || !isDigit(s[1]) || !isDigit(s[3]) || !isDigit(s[4]) || !isDigit(s[6]) || !isDigit(s[7]) {
		return 0, false
	}
	hour := int(s[0]-'0')*10 + int(s[1]-'0')
	minute := int(s[3]-'0')*10 + int(s[4]-'0')
	second := int(s[6]-'0')*10 + int(s[7]-'0')
	return hour*3600 + minute*60 + second, hour < 24 && minute < 60 && second <= 60
}

// fraction reads a ".183422" (or ",183", ISO 8601) that s may begin with, and returns how long it is. Digits behind the
// ninth are read and dropped.
func fraction(s string) (nano mail.Instant, n int) {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' || !isDigit(s[1]) {
		return 0, 0
	}
	scale := mail.Instant(time.Second)
	for n = 1; n < len(s) && isDigit(s[n]); n++ {
		if scale > 1 {
			scale /= 10
			nano += mail.Instant(s[n]-'0') * scale
		}
	}
	return nano, n
}

// offsetOf reads a "Z", "+01:00", "+0100" or "+01" that s may begin with: seconds east of UTC, and its length.
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

// monthOf is the number of the month whose English name s begins with; 0: none.
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
