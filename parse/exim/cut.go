package exim

import (
	"math/bits"
	"net/netip"
	"strings"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// tries bounds how often a value that an attacker wrote makes a parser try again.
const tries = 16

// idLength returns the length of the message ID that s begins with, with a blank or nothing behind it; 0: it begins with none. An
// ID has 6-6-2 digits of base 62 up to 4.96, 6-11-4 since.  src/exim.c, src/local_scan.h
func idLength(s string) int {
	const dash = uint64('-' ^ '0') // what makes a digit of the dash
	switch {
	case len(s) < 16 || s[6] != '-':
	case s[13] == '-' && (len(s) == 16 || s[16] == ' '):
		if alphanumerics(word(s)^dash<<48) && alphanumerics(word(s[8:])^dash<<40) {
			return 16
		}
	case len(s) >= 23 && s[18] == '-' && (len(s) == 23 || s[23] == ' '):
		if alphanumerics(word(s)^dash<<48) && alphanumerics(word(s[8:])) && alphanumerics(word(s[15:])^dash<<24) {
			return 23
		}
	}
	return 0
}

// Eight bytes are tested as one number if that saves eight tests: message IDs and addresses are in every line. The first byte is the
// lowest.
const (
	ones  = 0x0101010101010101 // times a byte: the byte eight times
	highs = 0x8080808080808080
)

// word returns the first eight bytes of s.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// alphanumerics reports whether all bytes of a word are letters or digits: what is added sets the high bit of a byte if it is not
// below the first, or above the last, of its kind.
func alphanumerics(w uint64) bool {
	small := w | ones*0x20
	letters := (small + ones*(0x80-'a')) &^ (small + ones*(0x7f-'z'))
	digits := (w + ones*(0x80-'0')) &^ (w + ones*(0x7f-'9'))
	return (letters|digits)&^w&highs == highs
}

// zeros returns a word with the high bit of the first byte of w that is zero, and no lower one.
func zeros(w uint64) uint64 { return (w - ones) &^ w }

func alphanumeric(c byte) bool { return (c|0x20)-'a' < 26 || c-'0' < 10 }

// cutToken cuts at the first blank, which stays with the rest.
func cutToken(s string) (token, rest string) {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// cutPlain is cutToken for a value without quotes.
func cutPlain(s string) (value, rest string, ok bool) {
	const bit = '"' - ' ' // in which the two differ
	n := 0
	for ; n <= len(s)-8; n += 8 {
		if found := zeros((word(s[n:])|ones*bit)^ones*'"') & highs; found != 0 {
			if n += bits.TrailingZeros64(found) / 8; s[n] == ' ' {
				return s[:n], s[n:], true
			}
			break
		}
	}
	for n < len(s) && s[n]|bit != '"' {
		n++
	}
	if n < len(s) && s[n] == '"' {
		value, rest = cutToken(s)
		return value, rest, false
	}
	return s[:n], s[n:], true
}

// cutAddress cuts at the first blank outside of quotes: a local part may be quoted as a whole, in parts, or character by
// character, and Exim logs it as it is.  src/parse.c: read_local_part
func cutAddress(s string) (address, rest string) {
	address, rest, plain := cutPlain(s)
	if plain && (address == "" || address[len(address)-1] != '\\') {
		return address, rest
	}
	if n := unquoted(s, ' '); n >= 0 {
		return s[:n], s[n:]
	}
	if balanced(s) {
		return s, ""
	}
	return address, rest // the quote never ends: the line was cut
}

// cutAngle cuts an address in angle brackets; it returns what is in them, and what follows.
func cutAngle(s string) (address, rest string, ok bool) {
	if s == "" || s[0] != '<' {
		return "", s, false
	}
	n := strings.IndexByte(s, '>')
	if n > 0 && (s[n-1] == '\\' || strings.IndexByte(s[:n], '"') > 0) {
		n = unquoted(s, '>')
	}
	if n < 0 {
		return "", s, false
	}
	return s[1:n], s[n+1:], true
}

// unquoted returns the index of the first c outside of quotes; -1: there is none.
func unquoted(s string, c byte) int {
	open := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			open = !open
		case s[i] == c && !open:
			return i
		}
	}
	return -1
}

// balanced reports whether every quote in s is closed.
func balanced(s string) bool {
	open := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			open = !open
		}
	}
	return !open
}

// cutString cuts a text in double quotes, in which quotes and backslashes are escaped; it ends at the first quote that is not
// escaped.
func cutString(s string) (inner, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	for i := 1; i < len(s); i++ {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			break
		}
		if i += n; !escaped(s, i) {
			return s[1:i], s[i+1:], true
		}
	}
	return "", s, false
}

// escaped reports whether s[i] has an odd number of backslashes before it.
func escaped(s string, i int) bool {
	n := i
	for n > 0 && s[n-1] == '\\' {
		n--
	}
	return (i-n)%2 == 1
}

func number(s string) (n int64, ok bool) {
	if len(s) > 18 || !parse.AllDigits(s) {
		return 0, false
	}
	for i := range len(s) {
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// cutNumber cuts a number at the first blank, like cutToken.
func cutNumber(s string) (n int64, rest string, ok bool) {
	if n, digits := parse.CutNumber(s); digits > 0 && (digits == len(s) || s[digits] == ' ') {
		return int64(n), s[digits:], true
	}
	token, rest := cutToken(s)
	n, ok = number(token) // of more than ten digits
	return n, rest, ok
}

// duration parses 3m45s, 1w2d3h4m5s and 0.016s.  src/readconf.c: readconf_printtime, src/tod.c: string_timediff
func duration(s string) (d time.Duration, ok bool) {
	for s != "" {
		n := 0
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.') {
			n++
		}
		if n == 0 || n == len(s) {
			return 0, false
		}
		unit := unitOf(s[n])
		whole, fraction, _ := strings.Cut(s[:n], ".")
		count, ok := number(whole)
		if !ok || unit == 0 || count > 1e6 || strings.IndexByte(fraction, '.') >= 0 {
			return 0, false
		}
		d += time.Duration(count)*unit + part(fraction, unit)
		s = s[n+1:]
	}
	return d, d >= 0
}

// delayed stores a duration.
func delayed(s string, ev *mail.Event) {
	if d, ok := duration(s); ok {
		ev.Delay = d
		ev.Flags |= mail.HasDelay
	}
}

func unitOf(c byte) time.Duration {
	switch c {
	case 's':
		return time.Second
	case 'm':
		return time.Minute
	case 'h':
		return time.Hour
	case 'd':
		return 24 * time.Hour
	case 'w':
		return 7 * 24 * time.Hour
	}
	return 0
}

// part returns what the digits behind a point mean.
func part(fraction string, unit time.Duration) (d time.Duration) {
	for i := range len(fraction) {
		unit /= 10
		d += time.Duration(fraction[i]-'0') * unit
	}
	return d
}

// host is an SMTP peer as Exim writes it: "name (helo) [ip]:port", all optional except [ip]; between them the name of a server
// may have " DS" (DNSSEC).  src/host.c: host_and_ident
type host struct {
	name string // all text before the address
	ip   netip.Addr
	port uint16
}

// cutHost cuts a host off the front of s: up to the first address in brackets by itself (a HELO in brackets has a parenthesis
// before it).
func cutHost(s string) (h host, rest string, ok bool) {
	for at, n := bracket(s, 0), 0; at >= 0 && n < tries; at, n = bracket(s, at+1), n+1 {
		if h, rest, ok = hostAt(s, at); ok {
			return h, rest, true
		}
	}
	return host{}, s, false
}

// cutServer is cutHost for one that we speak to: its name may be an address in brackets, too (src/routers/ipliteral.c).
func cutServer(s string) (h host, rest string, ok bool) {
	h, rest, ok = cutHost(s)
	if named, found := strings.CutPrefix(rest, " ["); found && h.name == "" {
		if second, after, ok := hostAt(s, len(s)-len(named)-1); ok {
			return second, after, true
		}
	}
	return h, rest, ok
}

// bracket returns the place of the next [ at the beginning of s or after a blank; -1: there is none.
func bracket(s string, from int) int {
	for from < len(s) {
		n := strings.IndexByte(s[from:], '[')
		if n < 0 {
			break
		}
		if from += n; from == 0 || s[from-1] == ' ' {
			return from
		}
		from++
	}
	return -1
}

// cutLastHost cuts a host that ends with the last address in brackets of s: for lines in which a client can choose nothing after
// the host, so that its HELO cannot pass for the address.
func cutLastHost(s string) (h host, rest string, ok bool) {
	at := len(s)
	for range tries {
		at = strings.LastIndexByte(s[:at], '[')
		if at < 0 {
			break
		}
		if at > 0 && s[at-1] != ' ' {
			continue
		}
		if h, rest, ok = hostAt(s, at); ok {
			return h, rest, true
		}
	}
	return host{}, s, false
}

// hostAt parses a host whose bracket opens at s[at]. A host does not end within a HELO, which is in parentheses.
func hostAt(s string, at int) (h host, rest string, ok bool) {
	h.ip, h.port, rest, ok = cutBrackets(s[at:])
	if at > 0 {
		h.name = s[:at-1]
		ok = ok && (strings.HasSuffix(h.name, ")") || strings.IndexByte(h.name, '(') < 0)
	}
	return h, rest, ok
}

// cutSpeaker is cutHost for lines in which a client chooses nothing after the host but a login: its HELO may look like a host and
// what follows it, so that the host ends at the last parenthesis at which one can end.
func cutSpeaker(s string) (h host, rest string, ok bool) {
	name, after := cutToken(s)
	if !strings.HasPrefix(name, "(") && !strings.HasPrefix(after, " (") {
		return cutHost(s)
	}
	at := len(s)
	for range tries {
		if at = strings.LastIndex(s[:at], ") ["); at < 0 {
			break
		}
		if h, rest, ok = hostAt(s, at+2); ok {
			return h, rest, true
		}
	}
	return cutHost(s)
}

// cutBrackets parses [ip] or [ip]:port.
func cutBrackets(s string) (ip netip.Addr, port uint16, rest string, ok bool) {
	if s == "" || s[0] != '[' {
		return ip, 0, s, false
	}
	ip, n := mail.CutIPv4(s[1:])
	if rest = s[1+n:]; n == 0 || rest == "" || rest[0] != ']' {
		end := strings.IndexByte(s[:min(len(s), 64)], ']')
		if end < 1 {
			return netip.Addr{}, 0, s, false
		}
		if ip, ok = address(s[1:end]); !ok {
			return netip.Addr{}, 0, s, false
		}
		rest = s[end:]
	}
	port, rest = cutPort(rest[1:])
	return ip, port, rest, true
}

// cutPort cuts ":25" off the front of s, if it is there.
func cutPort(s string) (port uint16, rest string) {
	if s == "" || s[0] != ':' {
		return 0, s
	}
	value, digits := parse.CutNumber(s[1:])
	if digits == 0 || value > 65535 {
		return 0, s
	}
	return uint16(value), s[1+digits:]
}

// client stores the host as the one that speaks to us. Exim shows a name without parentheses only if forward and reverse look-up
// agree.
func (h host) client(ev *mail.Event) {
	c := &ev.Client
	c.IP, c.Port, c.Name, c.HELO = h.ip, h.port, h.name, ""
	if n := len(h.name); n > 0 && h.name[n-1] == ')' {
		if open := strings.IndexByte(h.name, '('); open >= 0 {
			c.Name, c.HELO = strings.TrimSuffix(h.name[:open], " "), h.name[open+1:n-1]
		}
	}
	ev.Flags &^= mail.Verified
	if c.Name != "" {
		ev.Flags |= mail.Verified
	}
}

// relay stores the host as the one that we speak to.
func (h host) relay(ev *mail.Event) {
	ev.Relay, ev.RelayIP, ev.RelayPort = strings.TrimSuffix(h.name, " DS"), h.ip, h.port
}

// address parses an IP address. It is stricter than mail.ParseIP, because addressIn tries every word of a text: "IPv6:" stands only in front
// of what a client says of itself, and for a time of day the error would be allocated.
func address(s string) (netip.Addr, bool) {
	if ip, ok := ipv4(s); ok {
		return ip, true
	}
	if len(s) < 2 || len(s) > 45 || strings.IndexByte(s, ':') < 0 {
		return netip.Addr{}, false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; (s[i] < '0' || s[i] > ':') && (c < 'a' || c > 'f') && s[i] != '.' {
			return netip.Addr{}, false
		}
	}
	if n := strings.Count(s, ":"); n < 6 && !strings.Contains(s, "::") {
		return netip.Addr{}, false // a time of day
	}
	ip, err := netip.ParseAddr(s)
	return ip.Unmap(), err == nil
}

func ipv4(s string) (netip.Addr, bool) {
	ip, n := mail.CutIPv4(s)
	return ip, n > 0 && n == len(s)
}
