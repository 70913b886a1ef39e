package analyze

import (
	"net/netip"
	"strconv"
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

// holdsAddress reports whether three of the four bytes of an IPv4 address stand in a name as decimal numbers, or all of
// them as one number, zero-padded or hexadecimal, forwards or backwards.
func holdsAddress(name string, ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.Is4() {
		return false
	}
	four := ip.As4()
	found := 0
	for _, number := range numbers(name) {
		for i, b := range four {
			if n, err := strconv.Atoi(number); err == nil && n == int(b) && found&(1<<i) == 0 {
				found |= 1 << i
				break
			}
		}
	}
	if bitCount(found) >= 3 {
		return true
	}
	padded, hex, back := "", "", ""
	for i := range four {
		padded += pad3(four[i])
		back += pad3(four[3-i])
		hex += hexByte(four[i])
	}
	return strings.Contains(name, padded) || strings.Contains(name, back) || strings.Contains(name, hex)
}

func bitCount(bits int) (n int) {
	for ; bits > 0; bits &= bits - 1 {
		n++
	}
	return n
}

func pad3(b byte) string { return strconv.Itoa(1000 + int(b))[1:] }

func hexByte(b byte) string { return strconv.FormatInt(0x100+int64(b), 16)[1:] }

// numbers are the runs of digits of a name.
func numbers(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r < '0' || r > '9' })
}

// lineWords are what providers call the lines of their customers; they count as whole words of a label that is not the
// registered domain's own.
var lineWords = map[string]bool{
	"dyn": true, "dynamic": true, "dynip": true, "dsl": true, "adsl": true, "vdsl": true, "xdsl": true, "pool": true,
	"pools": true, "ppp": true, "pppoe": true, "dial": true, "dialup": true, "dialin": true, "dhcp": true, "cable": true,
	"broadband": true, "fttx": true, "ftth": true, "wimax": true, "mobile": true, "cust": true, "customer": true,
	"customers": true, "client": true, "clients": true, "static": true, "subscriber": true, "res": true,
}

func saysLine(name string) bool {
	host := strings.TrimSuffix(strings.TrimSuffix(name, organisation(name)), ".")
	words := strings.FieldsFunc(host, func(r rune) bool { return (r < 'a' || r > 'z') })
	for _, word := range words {
		if lineWords[word] {
			return true
		}
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
	if _, err := netip.ParseAddr(helo); err == nil {
		return addressHELO
	}
	return namedHELO
}
