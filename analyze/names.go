package analyze

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"mailforensics/mail"
)

// organisation is the registered domain of a host or mail domain ("example.co.uk" of "mx1.example.co.uk"), by the public
// suffix list; the name itself where the list does not help (addresses, single labels).
func organisation(name string) string {
	name = mail.FoldDomain(name)
	if org, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return org
	}
	return name
}

// genericName reports whether a name by reverse look-up was made from the address by its provider: a line of a customer, not
// a mail server that somebody named ("dslb-084-060-208-031.pools.arcor-ip.net", "static-ip-cr200118009171.cable.net.co").
func genericName(name string, ip netip.Addr) bool {
	name = mail.FoldDomain(name)
	if name == "" || name == "unknown" {
		return false
	}
	return holdsAddress(name, ip) || saysLine(name)
}

// holdsAddress reports whether an address stands in a name. It is asked for most messages of strangers, and allocates nothing.
func holdsAddress(name string, ip netip.Addr) bool {
	if ip = ip.Unmap(); ip.Is6() {
		return holdsIPv6(name, ip)
	}
	return ip.Is4() && holdsIPv4(name, ip)
}

// holdsIPv6 reports whether half of an IPv6 address, its network or what follows, stands in a name in hexadecimal, with all its zeros, whatever
// separates the digits ("2001-0db8-0041-1230-…", "p20010db800411230….dip0.example"), or backwards, as in ip6.arpa; or, without them, three of
// its groups that are no small numbers ("2001-db8-41-1230--17.dyn.example").
func holdsIPv6(name string, ip netip.Addr) bool {
	const half = 16
	bytes := ip.As16()
	nibble := func(i int) byte { return hexDigits[bytes[i/2]>>(4*(1-i%2))&15] }
	var last [half]byte // digits of the name, in a ring
	seen, group, digits, groups := 0, 0, 0, 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && strings.IndexByte(hexDigits, name[i]) >= 0 {
			last[seen%half] = name[i]
			seen, digits = seen+1, digits+1
			group = group<<4&0xffff | strings.IndexByte(hexDigits, name[i])
			if seen >= half && holdsHalf(&last, seen, nibble) {
				return true
			}
			continue
		}
		if digits > 0 && digits <= 4 && group > 0xff && hasGroup(&bytes, group) {
			groups++
		}
		group, digits = 0, 0
		if i < len(name) && name[i] != '-' && name[i] != '.' && name[i] != ':' {
			seen = 0
		}
	}
	return groups >= 3
}

// holdsHalf compares the last digits of a name, which end before the given one, with both halves of an address, forwards and backwards.
func holdsHalf(last *[16]byte, end int, nibble func(int) byte) bool {
	for from := 0; from < 32; from += 16 {
		forwards, backwards := true, true
		for i := range last {
			c := last[(end+i)%16]
			forwards = forwards && c == nibble(from+i)
			backwards = backwards && c == nibble(from+15-i)
		}
		if forwards || backwards {
			return true
		}
	}
	return false
}

func hasGroup(bytes *[16]byte, group int) bool {
	for i := 0; i < len(bytes); i += 2 {
		if int(bytes[i])<<8|int(bytes[i+1]) == group {
			return true
		}
	}
	return false
}

// holdsIPv4 reports whether three of the four bytes of an IPv4 address stand in a name as decimal numbers, or all of them as one number,
// zero-padded or hexadecimal, forwards or backwards.
func holdsIPv4(name string, ip netip.Addr) bool {
	four := ip.As4()
	var found [4]bool
	decimals, longest := 0, 0
	for i := 0; i < len(name); {
		from, n := i, 0
		for ; i < len(name) && isDigit(name[i]); i++ {
			n = min(10*n+int(name[i]-'0'), 1000)
		}
		if i == from {
			i++
			continue
		}
		longest = max(longest, i-from)
		for b := range four {
			if n == int(four[b]) && !found[b] {
				found[b] = true
				decimals++
				break
			}
		}
	}
	if decimals >= 3 {
		return true
	}
	var padded, back [12]byte
	var hex [8]byte
	for i, b := range four {
		putPadded(padded[3*i:], b)
		putPadded(back[3*(3-i):], b)
		hex[2*i], hex[2*i+1] = hexDigits[b>>4], hexDigits[b&15]
	}
	return longest >= 12 && (strings.Contains(name, string(padded[:])) || strings.Contains(name, string(back[:]))) ||
		strings.Contains(name, string(hex[:]))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

const hexDigits = "0123456789abcdef"

// putPadded writes a number of three digits.
func putPadded(to []byte, b byte) { to[0], to[1], to[2] = '0'+b/100, '0'+b/10%10, '0'+b%10 }

// isLineWord reports whether a word is one by which providers call the lines of their customers; they count as whole words of
// a label that is not the registered domain's own.
func isLineWord(word string) bool {
	switch word {
	case "dyn", "dynamic", "dynip", "dsl", "adsl", "vdsl", "xdsl", "pool", "pools", "ppp", "pppoe", "dial", "dialup", "dialin", "dhcp",
		"cable", "broadband", "fttx", "ftth", "wimax", "mobile", "cust", "customer", "customers", "client", "clients", "static",
		"subscriber", "res":
		return true
	}
	return false
}

// saysLine looks at the words first: most names have none, and the list of public suffixes costs more to ask.
func saysLine(name string) bool {
	return hasLineWord(name) && hasLineWord(strings.TrimSuffix(strings.TrimSuffix(name, organisation(name)), "."))
}

func hasLineWord(name string) bool {
	from := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] >= 'a' && name[i] <= 'z' {
			continue
		}
		if isLineWord(name[from:i]) {
			return true
		}
		from = i + 1
	}
	return false
}

// rentedName reports whether a name is the one that a hosting company gives to a machine for rent: "vps-2231.servdisc.net".
func rentedName(name string) bool {
	label, _, _ := strings.Cut(mail.FoldDomain(name), ".")
	word := strings.TrimRight(label, "0123456789")
	if word == label {
		return false
	}
	switch strings.TrimRight(word, "-") {
	case "vps", "vserver", "server", "srv", "host", "cpanel", "ns", "node", "web", "cloud", "vm", "dedi", "static", "ip":
		return true
	}
	return false
}

// heloKind is what a HELO is like.
type heloKind uint8

const (
	unknownHELO heloKind = iota
	namedHELO            // a name with a dot
	labelHELO            // one label: "User", "ylmf-pc", "localhost"; RFC 5321, section 4.1.1.1 wants a name or an address
	numberHELO           // digits alone: "144899528"
	literalHELO          // "[192.0.2.1]"
	addressHELO          // an address without its brackets
)

func kindOfHELO(helo string) heloKind {
	switch {
	case helo == "":
		return unknownHELO
	case helo[0] == '[':
		return literalHELO
	case strings.Trim(helo, "0123456789") == "":
		return numberHELO
	case !strings.ContainsAny(helo, ".:"):
		return labelHELO
	}
	if strings.IndexByte(helo, ':') >= 0 || strings.Trim(helo, "0123456789.") == "" { // or it can be none; an error costs memory
		if _, err := netip.ParseAddr(helo); err == nil {
			return addressHELO
		}
	}
	return namedHELO
}
