package mail

import (
	"strings"
	"unicode/utf8"
)

// Fold returns an address in the form in which addresses are compared: the domain in lower case and without a final dot, the local
// part as it is (RFC 5321, section 2.4: only the receiving host knows whether its case matters), without quotes that it needs for its
// dots alone.
func Fold(address string) string {
	if strings.HasPrefix(address, `"`) {
		address = unquoted(address)
	}
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	domain := FoldDomain(address[at+1:])
	if domain == address[at+1:] {
		return address
	}
	return address[:at+1] + domain
}

// unquoted is an address whose local part is quoted for a misplaced dot alone, without the quotes: Postfix writes ".harms"@example.org for
// the .harms@example.org that a client gave, and means the same (RFC 5321, section 4.1.2).
func unquoted(address string) string {
	local, domain, ok := strings.Cut(address[1:], `"@`)
	for i := range len(local) {
		c := local[i]
		ok = ok && (c >= 0x80 || c-'0' <= 9 || c|0x20-'a' <= 'z'-'a' || strings.IndexByte(".!#$%&'*+-/=?^_`{|}~", c) >= 0)
	}
	if !ok || local == "" {
		return address
	}
	return local + "@" + domain
}

// FoldDomain returns a domain in the form in which domains are compared: in lower case and without a final dot.
func FoldDomain(domain string) string {
	domain = strings.TrimSuffix(domain, ".")
	for i := range len(domain) {
		if !isLower[domain[i]] {
			return strings.ToLower(domain)
		}
	}
	return domain
}

// isLower tells which bytes are their own lower case, as nearly all in domains are.
var isLower = func() (table [256]bool) {
	for c := range utf8.RuneSelf {
		table[c] = c < 'A' || c > 'Z'
	}
	return table
}()

// Domain returns the domain of an address, folded; "": it has none.
func Domain(address string) string { return FoldDomain(WrittenDomain(address)) }

// WrittenDomain returns the domain of an address as it is written; "": it has none.
func WrittenDomain(address string) string {
	at := strings.IndexByte(address, '@')
	if at < 0 {
		return ""
	}
	domain := address[at+1:]
	if strings.IndexByte(domain, '@') >= 0 { // in a quoted local part
		domain = domain[strings.LastIndexByte(domain, '@')+1:]
	}
	return domain
}

// LocalPart returns what is before the last @, or the whole address if there is none.
func LocalPart(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return address[:at]
	}
	return address
}
