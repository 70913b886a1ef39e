package mail

import (
	"net/netip"
	"strings"
)

// CutClient cuts a client in Postfix's notation, name[address] or name[address]:port, from the front of s. Name is "" where
// only an address stands there (postscreen), and "unknown" stays "unknown": Postfix writes that for four different facts.
// The address is not valid where it is "unknown", too, as of a client that was gone before it was looked at.
func CutClient(s string) (c Client, rest string, ok bool) {
	open := strings.IndexByte(s, '[')
	if open < 0 {
		return c, s, false
	}
	shut := strings.IndexByte(s[open:], ']') + open
	if shut < open || strings.IndexByte(s[:open], ' ') >= 0 {
		return c, s, false
	}
	c.Name = s[:open]
	if address := s[open+1 : shut]; address != "unknown" {
		if c.IP, ok = ParseIP(address); !ok {
			return Client{}, s, false
		}
	}
	c.Port, rest = cutPort(s[shut+1:])
	return c, rest, true
}

// ParseIP reads an address as mail logs have it: with or without "IPv6:" in front, never with a zone.
func ParseIP(s string) (netip.Addr, bool) {
	if ip, ok := parseIPv4(s); ok {
		return ip, true
	}
	s = strings.TrimPrefix(s, "IPv6:")
	if len(s) < 2 || len(s) > 45 {
		return netip.Addr{}, false
	}
	for i := range len(s) { // ParseAddr takes memory for its errors
		if c := s[i]; c-'0' > 9 && c|0x20-'a' > 'f'-'a' && c != ':' && c != '.' {
			return netip.Addr{}, false
		}
	}
	ip, err := netip.ParseAddr(s)
	return ip.Unmap(), err == nil
}

// parseIPv4 reads four numbers: most lines have an address, and most addresses are of this kind.
func parseIPv4(s string) (netip.Addr, bool) {
	var four [4]byte
	part, digits, n := 0, 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c-'0' <= 9:
			if n, digits = n*10+int(c-'0'), digits+1; n > 255 || digits > 1 && n < 10 {
				return netip.Addr{}, false
			}
		case c == '.' && digits > 0 && part < 3:
			four[part] = byte(n)
			part, digits, n = part+1, 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	if part != 3 || digits == 0 {
		return netip.Addr{}, false
	}
	four[3] = byte(n)
	return netip.AddrFrom4(four), true
}

// cutPort cuts ":25" from the front of s.
func cutPort(s string) (port uint16, rest string) {
	if len(s) < 2 || s[0] != ':' {
		return 0, s
	}
	n, i := 0, 1
	for ; i < len(s) && s[i]-'0' <= 9 && n <= 65535; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if i == 1 || n > 65535 {
		return 0, s
	}
	return uint16(n), s[i:]
}
