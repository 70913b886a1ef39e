package mail

import (
	"math/bits"
	"net/netip"
	"strings"
)

// CutClient cuts a client in Postfix's notation, name[address] or name[address]:port, from the front of s. The name is "" if there
// is only an address (postscreen), and "unknown" stays "unknown", which Postfix writes for four different facts. The address is
// not valid if it is "unknown", too, because the client was gone before Postfix looked. ok is false if s does not begin with a
// client.
func CutClient(s string) (c Client, rest string, ok bool) {
	rest, ok = c.Cut(s)
	return c, rest, ok
}

// Cut is CutClient without a copy: it sets Name, IP and Port, or, if ok is false, nothing.
func (c *Client) Cut(s string) (rest string, ok bool) {
	open := strings.IndexByte(s, '[')
	if open < 0 || strings.IndexByte(s[:open], ' ') >= 0 {
		return s, false
	}
	ip, n := CutIPv4(s[open+1:])
	shut := open + 1 + n
	if n == 0 || shut == len(s) || s[shut] != ']' {
		if ip, shut, ok = otherAddress(s, open); !ok {
			return s, false
		}
	}
	c.Name, c.IP = s[:open], ip
	c.Port, rest = cutPort(s[shut+1:])
	return rest, true
}

// otherAddress parses what is in brackets if that is not a plain IPv4 address. shut is the index of the closing bracket.
func otherAddress(s string, open int) (ip netip.Addr, shut int, ok bool) {
	shut = strings.IndexByte(s[open:], ']') + open
	if shut < open {
		return ip, 0, false
	}
	if address := s[open+1 : shut]; address != "unknown" {
		ip = ParseIP(address)
		return ip, shut, ip.IsValid()
	}
	return ip, shut, true
}

// ParseIP parses an address as in mail logs: with or without "IPv6:" (RFC 5321, section 4.1.3), without a zone.
// The zero value: it is none.
func ParseIP(s string) netip.Addr {
	if ip, ok := parseIPv4(s); ok {
		return ip
	}
	s = strings.TrimPrefix(s, "IPv6:")
	if len(s) < 2 || len(s) > 45 {
		return netip.Addr{}
	}
	for i := range len(s) { // checked here, because ParseAddr allocates its errors
		if c := s[i]; c-'0' > 9 && c|0x20-'a' > 'f'-'a' && c != ':' && c != '.' {
			return netip.Addr{}
		}
	}
	ip, _ := netip.ParseAddr(s)
	return ip.Unmap()
}

// IsInside reports whether an address can only be in our own network: loopback, private (RFC 1918, RFC 4193) or link-local
// (RFC 3927; RFC 4291, section 2.5.6).
func IsInside(ip netip.Addr) bool {
	ip = ip.Unmap()
	switch {
	case ip.Is4(): // as below, but all at once: it is asked about the client of every message
		b := ip.As4()
		return b[0] == 10 || b[0] == 127 || b[0] == 192 && b[1] == 168 || b[0] == 172 && b[1]>>4 == 1 || b[0] == 169 && b[1] == 254
	case !ip.IsValid():
		return false
	}
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}

// parseIPv4 parses a string that is an IPv4 address and nothing else.
func parseIPv4(s string) (netip.Addr, bool) {
	ip, n := CutIPv4(s)
	return ip, n > 0 && n == len(s)
}

// CutIPv4 reads the four numbers that s begins with, 255 at most and without zeros in front, and tells their length, 0 where
// there are none: most lines have an address, and most addresses are of this kind.
func CutIPv4(s string) (ip netip.Addr, n int) {
	const longest = len("255.255.255.255") + 1
	if len(s) >= longest {
		return fourNumbers(s)
	}
	var padded [longest]byte
	copy(padded[:], s)
	return fourNumbers(string(padded[:]))
}

// fourNumbers is CutIPv4 for a text that is longer than any address, so that its end need not be checked all the time.
//
// Four bytes are taken apart as one number: no processor can predict how many digits the parts of an address have, and a branch
// for each digit would be mispredicted twice per address.
func fourNumbers(s string) (ip netip.Addr, n int) {
	const (
		zeros     = 0x30303030                // four times '0'
		pastNine  = 0x76767676                // what makes a digit above 9 reach the high bit, where '0' was taken off before
		highBits  = 0x80808080                // of four bytes
		largest   = 0x020505                  // the digits of 255
		weights   = 100<<16 | 10<<8 | 1       // of three digits, the highest byte being the last one
		lastStart = uint(len("255.255.255.")) // where the fourth number begins at the latest
	)
	_ = s[len("255.255.255.255")]
	var four [4]byte
	at := uint(0)
	for part := 0; at <= lastStart; part++ { // always so, as is part <= 3 below; but it tells the compiler that no index need be checked
		b := s[at : at+4]
		t := (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24) ^ zeros
		end := uint(bits.TrailingZeros32((t | (t + pastNine)) & highBits)) // the high bit of what is no digit; of four digits: 32
		digits := end / 8
		first := t & 0xff
		t <<= (7 - end) & 31 // the last digit is the highest byte now
		if digits-1 > 2 || bits.ReverseBytes32(t) > largest || first == 0 && digits > 1 {
			return ip, 0
		}
		four[part&3] = byte(t * weights >> 24)
		at += digits
		if part == len(four)-1 {
			return netip.AddrFrom4(four), int(at)
		}
		if s[at] != '.' {
			return ip, 0
		}
		at++
	}
	return ip, 0
}

// cutPort cuts ":25" from the front of s; 0: there is no port, or a proxy did not tell it (":unknown").
func cutPort(s string) (port uint16, rest string) {
	if len(s) < 2 || s[0] != ':' {
		return 0, s
	}
	n, i := 0, 1
	for ; i < len(s) && s[i]-'0' <= 9 && n <= 65535; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if i == 1 {
		return 0, strings.TrimPrefix(s, ":unknown")
	}
	if n > 65535 {
		return 0, s
	}
	return uint16(n), s[i:]
}
