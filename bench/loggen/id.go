package loggen

// The alphabets of queue IDs (Postfix global/safe_ultostr.h; Exim string.c, base62).
const (
	hexDigits = "0123456789ABCDEF"
	base52    = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
	base62    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// digitsOf appends n in the given alphabet and base, with at least width digits.
func digitsOf(b []byte, n uint64, alphabet string, base uint64, width int) []byte {
	var tmp [24]byte
	i := len(tmp)
	for n > 0 || len(tmp)-i < width {
		i--
		tmp[i] = alphabet[n%base]
		n /= base
	}
	return append(b, tmp[i:]...)
}

// postfixID returns the queue ID of a file made at that time with that inode: five hex digits of the microsecond, and the inode; or
// a long one: second and microsecond in base 52, a z, and the inode in base 51 (global/mail_queue.h).
func postfixID(at int64, inode uint64, long bool) string {
	b := make([]byte, 0, 24)
	if !long {
		b = digitsOf(b, uint64(at%second), hexDigits, 16, 5)
		return string(digitsOf(b, inode, hexDigits, 16, 1))
	}
	b = digitsOf(b, uint64(at/second), base52, 52, 6)
	b = digitsOf(b, uint64(at%second), base52, 52, 4)
	b = append(b, 'z')
	return string(digitsOf(b, inode, base52, 51, 1))
}

// eximID returns the message ID of that second, PID and fraction of the second: 16 characters, or 23 since Exim 4.97 (long).
func eximID(at int64, pid uint64, long bool) string {
	b := make([]byte, 0, 24)
	b = append(digitsOf(b, uint64(at/second), base62, 62, 6), '-')
	if long {
		b = append(digitsOf(b, pid, base62, 62, 11), '-')
		return string(digitsOf(b, uint64(at%second), base62, 62, 4))
	}
	b = append(digitsOf(b, pid, base62, 62, 6), '-')
	return string(digitsOf(b, uint64(at%second/500), base62, 62, 2))
}
