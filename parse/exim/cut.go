package exim

import (
	"net/netip"
	"strings"
	"time"

	"mailforensics/mail"
)

// tries bounds how often a value that an attacker wrote makes a parser look again.
const tries = 16

// cutID takes the message ID off the front: 6-6-2 digits of base 62 up to 4.96, 6-11-4 since.  src/exim.c, src/local_scan.h
func cutID(s string) (id, rest string) {
	if len(s) < 16 || s[6] != '-' {
		return "", s
	}
	switch {
	case s[13] == '-' && isID(s, 16, 13):
		id = s[:16]
	case len(s) >= 23 && s[18] == '-' && isID(s, 23, 18):
		id = s[:23]
	default:
		return "", s
	}
	return id, strings.TrimPrefix(s[len(id):], " ")
}

func isID(s string, n, dash int) bool {
	if len(s) > n && s[n] != ' ' {
		return false
	}
	return base62(s[:6]) && base62(s[7:dash]) && base62(s[dash+1:n])
}

func base62(s string) bool {
	for i := range len(s) {
		if !alphanumeric(s[i]) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool { return (c|0x20)-'a' < 26 || c-'0' < 10 }

// cutToken cuts at the first blank, which stays with the rest.
func cutToken(s string) (token, rest string) {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// cutAddress cuts at the first blank outside of quotes: a local part may be quoted as a whole, in parts, or character by
// character, and Exim logs it raw.  src/parse.c: read_local_part
func cutAddress(s string) (address, rest string) {
	address, rest = cutToken(s)
	if !quoted(address) {
		return address, rest
	}
	if n := unquoted(s, ' '); n >= 0 {
		return s[:n], s[n:]
	}
	if n := unquoted(s, 0); n == len(s) {
		return s, ""
	}
	return address, rest // the quote never ends: the line was cut
}

// cutAngle reads an address in angle brackets; what stands in them, and what follows.
func cutAngle(s string) (address, rest string, ok bool) {
	if s == "" || s[0] != '<' {
		return "", s, false
	}
	n := strings.IndexByte(s, '>')
	if n < 0 {
		return "", s, false
	}
	if quoted(s[:n]) {
		if n = unquoted(s, '>'); n < 0 {
			return "", s, false
		}
	}
	return s[1:n], s[n+1:], true
}

func quoted(s string) bool { return strings.IndexByte(s, '"') >= 0 || strings.IndexByte(s, '\\') >= 0 }

// unquoted is the place of the first c outside of quotes; with c zero, the length of a text whose quotes are all closed.
// -1: there is none.
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
	if c == 0 && !open {
		return len(s)
	}
	return -1
}

// cutString reads a text in double quotes in which quotes and backslashes are escaped; the place of its end is the first
// quote that is not.
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

// escaped reports whether an odd number of backslashes stands before s[i].
func escaped(s string, i int) bool {
	n := i
	for n > 0 && s[n-1] == '\\' {
		n--
	}
	return (i-n)%2 == 1
}

// null is the sender that stands in angle brackets; nothing in them is the null sender.
func null(sender string) string {
	if sender == "" {
		return mail.NullSender
	}
	return sender
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func number(s string) (n int64, ok bool) {
	if len(s) > 18 || !digits(s) {
		return 0, false
	}
	for i := range len(s) {
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// duration reads 3m45s, 1w2d3h4m5s and 0.016s.  src/readconf.c: readconf_printtime, src/tod.c: string_timediff
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
		if !ok || unit == 0 || count > 1e6 {
			return 0, false
		}
		d += time.Duration(count)*unit + part(fraction, unit)
		s = s[n+1:]
	}
	return d, d >= 0
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

func part(fraction string, unit time.Duration) (d time.Duration) {
	for i := range len(fraction) {
		unit /= 10
		if c := fraction[i]; c >= '0' && c <= '9' {
			d += time.Duration(c-'0') * unit
		}
	}
	return d
}

// host is an SMTP peer as Exim writes it: "name (helo) [ip]:port", all but the [ip] optional; between them the name of a
// server may have " DS" (DNSSEC).  src/host.c: host_and_ident
type host struct {
	name string // all that stands before the address
	ip   netip.Addr
	port uint16
}

// cutHost reads a host off the front of s: up to the first address in brackets that stands alone (a HELO in brackets has a
// parenthesis before it).
func cutHost(s string) (h host, rest string, ok bool) {
	at := bracket(s, 0)
	for range tries {
		if at < 0 {
			break
		}
		if h, rest, ok = hostAt(s, at); ok {
			return h, rest, true
		}
		at = bracket(s, at+1)
	}
	return host{}, s, false
}

// bracket is the place of the next [ that begins s or stands behind a blank; -1: there is none.
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

// cutLastHost reads a host that ends with the last address in brackets of s: for lines with nothing behind the host that a
// client could choose, so that what it put into its HELO cannot pass for the address.
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

// hostAt reads a host whose bracket opens at s[at].
func hostAt(s string, at int) (h host, rest string, ok bool) {
	h.ip, h.port, rest, ok = cutBrackets(s[at:])
	if at > 0 {
		h.name = s[:at-1]
	}
	return h, rest, ok
}

// cutBrackets reads [ip] or [ip]:port.
func cutBrackets(s string) (ip netip.Addr, port uint16, rest string, ok bool) {
	end := strings.IndexByte(s[:min(len(s), 64)], ']')
	if end < 1 || s[0] != '[' {
		return ip, 0, s, false
	}
	if ip, ok = address(s[1:end]); !ok {
		return ip, 0, s, false
	}
	rest = s[end+1:]
	if rest == "" || rest[0] != ':' {
		return ip, 0, rest, true
	}
	n, value := 1, 0
	for n < len(rest) && n < 6 && rest[n] >= '0' && rest[n] <= '9' {
		value = value*10 + int(rest[n]-'0')
		n++
	}
	if n == 1 || value > 65535 {
		return ip, 0, rest, true
	}
	return ip, uint16(value), rest[n:], true
}

// client stores the host as the one that speaks to us. Exim shows a name without parentheses only where forward and
// reverse look-up agree.
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

// address reads an IP address; without an error value, which would cost memory for every text that is none.
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
	if len(s) < 7 || len(s) > 15 {
		return netip.Addr{}, false
	}
	var b [4]byte
	part, length, value := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9' && length < 3:
			value, length = value*10+int(c-'0'), length+1
		case c == '.' && length > 0 && part < 3 && value < 256:
			b[part] = byte(value)
			part, length, value = part+1, 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	if part != 3 || length == 0 || value > 255 {
		return netip.Addr{}, false
	}
	b[3] = byte(value)
	return netip.AddrFrom4(b), true
}
