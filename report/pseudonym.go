package report

import (
	"fmt"
	"net/netip"
	"strings"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// What --redact puts in the place of names: a pseudonym for each value, the same wherever it stands.

// pseudonym is the one of value, made where it is new.
func (x *redactor) pseudonym(of map[string]string, value, kind string) string {
	if p, ok := of[value]; ok {
		return p
	}
	p := fmt.Sprintf("%s-%d", kind, len(of)+1)
	of[value] = p
	x.given[p] = true
	return p
}

// file keeps the place in the list of inputs alone: paths name hosts and customers.
func (x *redactor) file(path string) string {
	if path == "" || path == "-" {
		return path
	}
	return x.pseudonym(x.files, path, "input")
}

// subject registers a subject; short ones are common words, which would be replaced all over.
func (x *redactor) subject(s string) string {
	if s == "" {
		return ""
	}
	p := x.pseudonym(x.subjects, s, "subject")
	x.phrase(s, p)
	return p
}

// maxPhrases bounds what every text is searched for: some 20 MB with all beginnings of it.
const maxPhrases = 20_000

// phrase notes the pseudonym of what is more than a word, as it stands in logs and as it stands in expressions.
func (x *redactor) phrase(s, p string) {
	if len(x.phrases) >= maxPhrases {
		return
	}
	x.phrases[s] = p
	if quoted := appendString(nil, s); len(quoted) != len(s)+2 {
		x.phrases[string(quoted[1:len(quoted)-1])] = p
	}
}

// plainNames are names that half the world's machines have. They tell nothing, and are words of our own sentences.
var plainNames = map[string]bool{
	"unknown": true, "localhost": true, "mail": true, "root": true, "nobody": true, "www-data": true, "apache": true, "nginx": true, "daemon": true,
	"home": true, "var": true, "srv": true, "www": true, "usr": true, "opt": true, "tmp": true, "etc": true, "lib": true, "local": true, "share": true,
	"main.cf": true, "master.cf": true, "discarded": true, "blackhole": true,
	"data": true, "web": true, "html": true, "htdocs": true, "public_html": true, "cgi-bin": true, "wp-content": true, "wp-includes": true,
	"uploads": true, "plugins": true, "themes": true, "cache": true, "images": true, "vhosts": true, "httpdocs": true, "users": true,
}

// name is the pseudonym of a host, login, local user or HELO.
func (x *redactor) name(s string) string {
	if s == "" || s == mail.NullSender || plainNames[strings.ToLower(s)] {
		return s
	}
	if r := x.word(s); r != s {
		return r
	}
	p := x.pseudonym(x.names, strings.ToLower(s), "name")
	if !oneWord(s) {
		x.phrase(s, p)
	}
	return p
}

// path is a directory or script, whose folders are named after customers and users. Names of files stay: they are what the
// reader looks for.
func (x *redactor) path(s string) string {
	if !strings.Contains(s, "/") {
		return x.text(s)
	}
	parts := strings.Split(s, "/")
	for i, part := range parts {
		if part != "" && !isFile(part) {
			parts[i] = x.name(part)
		}
	}
	return strings.Join(parts, "/")
}

// ip maps an address into 198.18.0.0/15, the range for measurements (RFC 2544), and where its 512 networks are used up into
// 240.0.0.0/4, which nobody has (RFC 1112, section 4); IPv6 into 2001:db8::/32 (RFC 3849). Networks stay together. Loopback
// says nothing of anybody and stays.
func (x *redactor) ip(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if !ip.IsValid() || ip.IsLoopback() || ip.IsUnspecified() {
		return ip
	}
	if p, ok := x.ips[ip]; ok {
		return p
	}
	network := analyze.NetworkOf(ip)
	if _, ok := x.networks[network]; !ok {
		x.networks[network] = len(x.networks) + 1
	}
	x.inside[network]++
	n, host := x.networks[network], x.inside[network]
	p := netip.AddrFrom4([4]byte{198, 18 + byte(n>>8), byte(n), byte(host)})
	switch {
	case ip.Is6():
		p = netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 4: byte(n >> 16), 5: byte(n >> 8), 6: byte(n), 14: byte(host >> 8), 15: byte(host)})
	case n > 511:
		p = netip.AddrFrom4([4]byte{240 + byte(n>>16), byte(n >> 8), byte(n), byte(host)})
	}
	x.ips[ip] = p
	return p
}

func (x *redactor) domain(d string) string {
	return x.pseudonym(x.domains, mail.FoldDomain(d), "domain") + ".example"
}

func (x *redactor) address(a string) string {
	at := strings.LastIndexByte(a, '@')
	if at < 0 {
		return x.name(a)
	}
	local := ""
	if at > 0 {
		local = x.pseudonym(x.locals, strings.ToLower(a[:at]), "user")
	}
	p := local + "@"
	if a[at+1:] != "" {
		p += x.domain(strings.Trim(a[at+1:], "[]"))
	}
	x.given[p] = true
	if !oneWord(a) {
		x.phrase(a, p)
	}
	return p
}

// word is a word of a text without its identity, or the word itself.
func (x *redactor) word(w string) string {
	if ip, err := netip.ParseAddr(w); err == nil {
		return x.ip(ip).String()
	}
	if p, err := netip.ParsePrefix(w); err == nil {
		return netip.PrefixFrom(x.ip(p.Addr()), p.Bits()).Masked().String()
	}
	if host, port, ok := strings.Cut(w, ":"); ok {
		if ip, err := netip.ParseAddr(host); err == nil {
			return x.ip(ip).String() + ":" + port
		}
		return x.word(host) + ":" + x.word(port) // login:maria
	}
	if p, ok := x.names[strings.ToLower(w)]; ok {
		return p
	}
	if plainNames[strings.ToLower(w)] {
		return w
	}
	if strings.Contains(w, "@") {
		return x.address(w)
	}
	if isDomainName(w) {
		return x.domain(w)
	}
	return w
}

// isDomainName reports whether a word is a name with dots whose last label is letters, as a top-level domain's. Poland and
// others have endings that scripts have, too: those are files behind a slash alone.
func isDomainName(w string) bool {
	at := strings.LastIndexByte(w, '.')
	if at <= 0 || len(w)-at < 3 {
		return false
	}
	switch last := strings.ToLower(w[at+1:]); {
	case last == "pl", last == "py", last == "sh", last == "cf":
		return true
	case strings.HasPrefix(last, "xn--"):
		return true
	}
	for _, c := range w[at+1:] {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c < 0x80 {
			return false
		}
	}
	return !isFile(w)
}

// isFile reports whether a word is the name of a file of this machine, as logs have them.
func isFile(w string) bool {
	switch w[strings.LastIndexByte(w, '.')+1:] {
	case "gz", "log", "php", "pl", "cgi", "py", "sh", "conf", "cf", "bz", "xz", "zst", "txt", "html":
		return strings.Contains(w, ".")
	}
	return false
}
