package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// LongQueueID returns when Postfix made a long queue ID (enable_long_queue_ids): seconds and microseconds in base 52, "z", the
// inode in base 51. false: id is none.  global/mail_queue.h, global/safe_ultostr.c
func LongQueueID(id string) (mail.Instant, bool) {
	const usecDigits, minSecDigits = 4, 6
	z := strings.LastIndexByte(id, 'z')
	if z < minSecDigits+usecDigits || z > 20 || z+1 == len(id) || len(id) > 40 {
		return 0, false
	}
	sec, ok1 := fromBase52(id[:z-usecDigits])
	usec, ok2 := fromBase52(id[z-usecDigits : z])
	_, ok3 := fromBase52(id[z+1 : min(len(id), z+10)])
	if !ok1 || !ok2 || !ok3 || usec > 999_999 || sec > latestSecond {
		return 0, false
	}
	return mail.Instant(sec*int64(time.Second) + usec*int64(time.Microsecond)), true
}

// latestSecond is in the year 2200, later than any log, and early enough for an Instant.
const latestSecond = 7258118400

// fromBase52 parses a number whose digits are 0-9, A-Z and a-z without vowels, in this order.
func fromBase52(s string) (n int64, ok bool) {
	for i := range len(s) {
		d := digit52(s[i])
		if d < 0 {
			return 0, false
		}
		n = n*52 + d
	}
	return n, true
}

func digit52(c byte) int64 {
	switch {
	case c >= '0' && c <= '9':
		return int64(c - '0')
	case c >= 'A' && c <= 'Z':
		return consonant(c-'A', 10)
	case c >= 'a' && c <= 'z':
		return consonant(c-'a', 31)
	}
	return -1
}

// consonant returns the digit that a letter is, where b is first; -1: it is a vowel.
func consonant(letter byte, first int64) int64 {
	const a, e, i, o, u = 0, 4, 8, 14, 20
	switch letter {
	case a, e, i, o, u:
		return -1
	}
	n := first + int64(letter) - 1
	for _, vowel := range [...]byte{e, i, o, u} {
		if letter > vowel {
			n--
		}
	}
	return n
}

// EximID returns when the reception of a message began, by its Exim message ID: 6 digits of base 62 for the seconds, 6 (11 since
// 4.97) for the PID of the process that received it, 2 (4) for the fraction of the second. The fraction in the short form is
// ignored, because its unit depends on the version. false: id is no message ID.  src/exim.c, string.c: string_base62_32
func EximID(id string) (at mail.Instant, ok bool) {
	switch {
	case len(id) == 16 && id[6] == '-' && id[13] == '-':
		return eximID(id[:6], id[7:13], id[14:], 0)
	case len(id) == 23 && id[6] == '-' && id[18] == '-' && id[7:11] == "0000": // no PID has more than seven digits
		return eximID(id[:6], id[11:18], id[19:], time.Microsecond)
	}
	return 0, false
}

func eximID(seconds, process, fraction string, unit time.Duration) (at mail.Instant, ok bool) {
	sec, ok1 := fromBase62(seconds)
	pid, ok2 := fromBase62(process)
	part, ok3 := fromBase62(fraction)
	if !ok1 || !ok2 || !ok3 || sec > latestSecond || pid > 1<<40 {
		return 0, false
	}
	within := min(time.Duration(part)*unit, time.Second-1) // localhost_number adds to the fraction
	return mail.Instant(sec*int64(time.Second) + int64(within)), true
}

// fromBase62 parses a number of up to ten digits, which are 0-9, A-Z and a-z, in this order.
func fromBase62(s string) (n int64, ok bool) {
	all := int8(0) // negative after a byte that is no digit
	for i := range len(s) {
		d := digits62[s[i]]
		all |= d
		n = n*62 + int64(d)
	}
	return n, all >= 0
}

func digit62(c byte) int64 { return int64(digits62[c]) }

// digits62 are the values of the digits of base 62; -1 for all other bytes. A table, because every message of Exim's has an ID.
var digits62 = func() (digits [256]int8) {
	for i := range digits {
		digits[i] = -1
	}
	for i, c := range "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		digits[c] = int8(i)
	}
	return digits
}()
