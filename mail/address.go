package mail

import (
	"strings"
	"unicode/utf8"
)

// Fold is the form in which addresses are compared: the domain in lower case and without its final dot, the local part
// as it is (RFC 5321, section 2.4: only the receiving host may say that its case means nothing).
func Fold(address string) string {
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

// FoldDomain is a domain as it is compared: lower case, no final dot.
func FoldDomain(domain string) string {
	domain = strings.TrimSuffix(domain, ".")
	for i := range len(domain) {
		if !isLower[domain[i]] {
			return strings.ToLower(domain)
		}
	}
	return domain
}

// isLower are the bytes that are the same in lower case: nearly all that domains have.
var isLower = func() (table [256]bool) {
	for c := range utf8.RuneSelf {
		table[c] = c < 'A' || c > 'Z'
	}
	return table
}()

// Domain is the folded domain of an address; "" where it has none.
func Domain(address string) string { return FoldDomain(WrittenDomain(address)) }

// WrittenDomain is the domain of an address as it is written; "" where it has none.
func WrittenDomain(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return address[at+1:]
}

// LocalPart is what stands before the last @; the whole address where there is none.
func LocalPart(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return address[:at]
	}
	return address
}
