package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
)

// Redact is a copy of a report in which addresses, IP addresses, hosts, logins and subjects are pseudonyms, the same one for
// the same value everywhere in it, so that it can be sent to others and still be followed. What stays: times, numbers, queue
// IDs, replies' codes, countries and networks' numbers, and the structure (one /24 stays one /24, one domain one domain).
//
// Free text, such as a log line, is read word by word: whatever looks like an address, a name with dots or an IP address is
// replaced, and so is every login, host and subject that the report knows, and what stands where a mail server writes one.
// Other words of a line stay as they are; read it before you send it.
func Redact(r *Report) *Report {
	x := newRedactor(r)
	for i := range r.Findings { // who is named late must be known in the first line, too
		x.finding(&r.Findings[i])
	}
	c := *r
	c.Files = slices.Clone(r.Files)
	for i, f := range r.Files {
		c.Files[i] = x.file(f)
	}
	c.Options = nil // they name domains and hosts
	c.Ledger = x.ledger(r.Ledger)
	c.Gaps = slices.Clone(r.Gaps)
	for i := range c.Gaps {
		c.Gaps[i].Host = x.name(c.Gaps[i].Host)
	}
	c.Findings = make([]analyze.Finding, len(r.Findings))
	ids := make(map[string]string, len(r.Findings))
	for i := range r.Findings {
		c.Findings[i] = x.finding(&r.Findings[i])
		ids[r.Findings[i].ID] = c.Findings[i].ID
	}
	for i := range c.Findings {
		c.Findings[i].Related = mapped(r.Findings[i].Related, ids)
	}
	c.Incidents = make([]analyze.Incident, len(r.Incidents))
	for i := range r.Incidents {
		c.Incidents[i] = x.incident(&r.Incidents[i], ids)
	}
	c.Site = x.site(r.Site)
	c.Tables = x.tables(r.Tables)
	c.Notes = x.texts(r.Notes)
	c.Notes = append(c.Notes, "addresses, hosts, logins and subjects are pseudonyms (--redact)")
	return &c
}

func mapped(values []string, by map[string]string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = cmp.Or(by[v], "redacted")
	}
	return out
}

// redactor hands out pseudonyms, in the order in which values are met: the same report gets the same ones.
type redactor struct {
	files    map[string]string
	ips      map[netip.Addr]netip.Addr
	networks map[netip.Prefix]int
	inside   map[netip.Prefix]int
	domains  map[string]string
	locals   map[string]string
	names    map[string]string // hosts, logins, user names and folders, in small letters
	subjects map[string]string
	given    map[string]bool // pseudonyms, which must not get others
	longest  []string        // subjects, longest first
}

func newRedactor(r *Report) *redactor {
	x := &redactor{
		files: make(map[string]string), ips: make(map[netip.Addr]netip.Addr), networks: make(map[netip.Prefix]int),
		inside: make(map[netip.Prefix]int), domains: make(map[string]string), locals: make(map[string]string),
		names: make(map[string]string), subjects: make(map[string]string), given: make(map[string]bool),
	}
	for i := range r.Ledger.Files {
		x.file(r.Ledger.Files[i].Path)
		for _, h := range r.Ledger.Files[i].Hosts {
			x.name(h)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, a := range f.Accounts {
			x.name(a)
		}
		for _, h := range f.Hosts {
			x.name(h)
		}
		for _, s := range f.Subjects {
			x.subject(s.Value)
		}
		for _, s := range f.Scripts {
			x.path(s.Value)
		}
		x.subjectValue(f.Subject)
	}
	for s := range x.subjects {
		x.longest = append(x.longest, s)
	}
	slices.SortFunc(x.longest, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return x
}

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
	return x.pseudonym(x.subjects, s, "subject")
}

// plainNames are names that half the world's machines have. They tell nothing, and are words of our own sentences.
var plainNames = map[string]bool{
	"unknown": true, "localhost": true, "mail": true, "root": true, "nobody": true, "www-data": true, "apache": true, "nginx": true, "daemon": true,
	"home": true, "var": true, "srv": true, "www": true, "usr": true, "opt": true, "tmp": true, "etc": true, "lib": true, "local": true, "share": true,
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
	return x.pseudonym(x.names, strings.ToLower(s), "name")
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
	if a[at+1:] == "" {
		return local + "@"
	}
	return local + "@" + x.domain(strings.Trim(a[at+1:], "[]"))
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

// isDomainName reports whether a word is a name with dots whose last label is letters, as a top-level domain's.
func isDomainName(w string) bool {
	at := strings.LastIndexByte(w, '.')
	if at <= 0 || len(w)-at < 3 {
		return false
	}
	for _, c := range w[at+1:] {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
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

// text replaces what identifies in a text of our own.
func (x *redactor) text(s string) string {
	return x.words(x.withoutSubjects(s), func(_, w, _ string) string { return x.known(w) })
}

// known is a word without its identity, as far as the word itself or what was met before tells.
func (x *redactor) known(w string) string {
	if x.given[w] {
		return w
	}
	if p, ok := x.locals[strings.ToLower(w)]; ok && len(w) > 3 && !plainNames[strings.ToLower(w)] {
		return p // Exim names local mailboxes without their domain
	}
	return x.word(w)
}

func (x *redactor) withoutSubjects(s string) string {
	for _, subject := range x.longest {
		if len(subject) > 2 && strings.Contains(s, subject) {
			s = strings.ReplaceAll(s, subject, x.subjects[subject])
		}
	}
	return s
}

// line replaces what identifies in a log line, where a place can tell what a word is.
func (x *redactor) line(s string) string {
	for _, place := range [...]struct{ before, after string }{{"header Subject: ", " from "}, {` T="`, `"`}} {
		before, rest, found := strings.Cut(s, place.before)
		subject, after, closed := strings.Cut(rest, place.after)
		if found && closed && subject != "" {
			s = before + place.before + x.subject(subject) + place.after + after
		}
	}
	return x.words(x.withoutSubjects(s), func(before, w, after string) string {
		if p := x.known(w); p != w || x.given[w] || isAddress(w) || !names(before, after) {
			return p
		}
		if kind, name, ok := strings.Cut(w, ":"); ok { // A=login:maria
			return kind + ":" + x.name(name)
		}
		return x.name(w)
	})
}

func isAddress(w string) bool {
	_, err := netip.ParseAddr(w)
	return err == nil
}

// names reports whether a word that stands there is a login, a local user or a HELO: <maria>, U=maria, H=(laptop), login for maria.
func names(before, after string) bool {
	for _, mark := range []string{"U=", "A=", "user=", "sasl_username=", "set_id=", "ruser=", "login for ", "login: by "} {
		if strings.HasSuffix(before, mark) {
			return true
		}
	}
	return strings.HasSuffix(before, "<") && strings.HasPrefix(after, ">") || strings.HasSuffix(before, "(") && strings.HasPrefix(after, ") [")
}

// words writes a text with each word as of has it, which is told what stands around it.
func (x *redactor) words(s string, of func(before, w, after string) string) string {
	var out strings.Builder
	for at := 0; at < len(s); {
		n := at
		for n < len(s) && wordByte(s[n]) {
			n++
		}
		if n == at {
			out.WriteByte(s[at])
			at++
			continue
		}
		if isAddress(s[at:n]) {
			n += lengthOf(s[n:])
		}
		end := n
		for end > at && strings.IndexByte(".:-", s[end-1]) >= 0 { // the end of a sentence is not of the name
			end--
		}
		if end > at {
			out.WriteString(of(s[:at], s[at:end], s[end:]))
		}
		out.WriteString(s[end:n])
		at = n
	}
	return out.String()
}

// lengthOf is how much of a text is the length of a network: "/24".
func lengthOf(s string) int {
	digits := strings.TrimPrefix(s, "/")
	rest := strings.TrimLeft(digits, "0123456789")
	if len(digits) == len(s) || len(rest) == len(digits) {
		return 0
	}
	return len(s) - len(rest)
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80 || strings.IndexByte(".@_%+:-", c) >= 0
}

func (x *redactor) texts(ss []string) []string {
	out := make([]string, 0, len(ss))
	for _, s := range ss {
		out = append(out, x.text(s))
	}
	return out
}

func (x *redactor) each(ss []string, f func(string) string) []string {
	out := make([]string, 0, len(ss))
	for _, s := range ss {
		out = append(out, f(s))
	}
	return out
}

func (x *redactor) counts(cs []analyze.Count, f func(string) string) []analyze.Count {
	out := slices.Clone(cs)
	for i := range out {
		out[i].Value = f(out[i].Value)
	}
	return out
}

func (x *redactor) client(c mail.Client) mail.Client {
	c.IP = x.ip(c.IP)
	c.Name = x.name(c.Name)
	c.HELO = x.name(strings.Trim(c.HELO, "[]"))
	return c
}

func (x *redactor) finding(f *analyze.Finding) analyze.Finding {
	c := *f
	c.Subject.Value = x.subjectValue(f.Subject)
	c.Title = x.text(f.Title)
	c.Clients = slices.Clone(f.Clients)
	for i := range c.Clients {
		c.Clients[i].Client = x.client(c.Clients[i].Client)
	}
	c.Accounts = x.each(f.Accounts, x.name)
	c.Senders = x.counts(f.Senders, x.address)
	c.RecipientDomains = x.counts(f.RecipientDomains, x.domain)
	c.Subjects = x.counts(f.Subjects, x.subject)
	c.Hosts = x.each(f.Hosts, x.name)
	c.Scripts = x.counts(f.Scripts, x.path)
	c.Mangled = slices.Clone(f.Mangled)
	for i := range c.Mangled {
		c.Mangled[i].Recipient, c.Mangled[i].Original = x.address(c.Mangled[i].Recipient), x.address(c.Mangled[i].Original)
	}
	c.Signature = x.text(f.Signature)
	c.Facts = slices.Clone(f.Facts)
	for i := range c.Facts {
		c.Facts[i].Text = x.text(c.Facts[i].Text)
	}
	c.Reasons = slices.Clone(f.Reasons)
	for i := range c.Reasons {
		c.Reasons[i].Text = x.text(c.Reasons[i].Text)
	}
	c.Evidence = slices.Clone(f.Evidence)
	for i := range c.Evidence {
		c.Evidence[i].Text, c.Evidence[i].Role = x.line(c.Evidence[i].Text), x.text(c.Evidence[i].Role)
	}
	c.ID = analyze.NewID(&c)
	return c
}

func (x *redactor) subjectValue(s analyze.Subject) string {
	switch s.Kind {
	case analyze.Sender:
		return x.address(s.Value)
	case analyze.Account, analyze.Host, analyze.HELO:
		return x.name(s.Value)
	case analyze.SenderDomain:
		return x.domain(s.Value)
	case analyze.UID:
		if strings.Trim(s.Value, "0123456789") == "" {
			return s.Value
		}
		return x.name(s.Value)
	case analyze.Script, analyze.Directory:
		return x.path(s.Value)
	case analyze.ASN:
		return s.Value
	}
	return x.text(s.Value)
}

func (x *redactor) incident(inc *analyze.Incident, ids map[string]string) analyze.Incident {
	c := *inc
	c.Title = x.text(inc.Title)
	c.Findings = mapped(inc.Findings, ids)
	c.ID = "incident/" + c.Findings[0]
	c.Accounts = x.each(inc.Accounts, x.name)
	c.Steps = slices.Clone(inc.Steps)
	for i := range c.Steps {
		s := &c.Steps[i]
		s.Text, s.Finding = x.text(s.Text), ids[s.Finding]
		if s.Evidence != nil {
			e := *s.Evidence
			e.Text, e.Role = x.line(e.Text), x.text(e.Role)
			s.Evidence = &e
		}
	}
	return c
}

func (x *redactor) ledger(l *ingest.Ledger) *ingest.Ledger {
	c := *l
	c.Files = slices.Clone(l.Files)
	for i := range c.Files {
		f := &c.Files[i]
		f.Path = x.file(f.Path)
		f.Hosts = x.each(f.Hosts, x.name)
		f.Warnings = x.texts(f.Warnings)
		f.Damage, f.Err = x.failure(f.Damage), x.failure(f.Err)
	}
	c.Warnings = x.texts(l.Warnings)
	c.Shapes = nil // words of lines that nobody understood: nobody knows what they tell
	return &c
}

// failure is an error without its path.
func (x *redactor) failure(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for path, p := range x.files {
		text = strings.ReplaceAll(text, path, p)
	}
	return fmt.Errorf("%s", x.text(text))
}

func (x *redactor) site(s *analyze.Site) *analyze.Site {
	if s == nil {
		return nil
	}
	c := *s
	c.LocalDomains, c.RelayDomains = x.knowns(s.LocalDomains, x.domain), x.knowns(s.RelayDomains, x.domain)
	c.Roles = make(map[string]analyze.RoleOf, len(s.Roles))
	for _, host := range sortedKeys(s.Roles) {
		role := s.Roles[host]
		role.Value, role.Why = x.name(host), x.text(role.Why)
		c.Roles[role.Value] = role
	}
	c.Own = nil
	c.Notes = x.texts(s.Notes)
	return &c
}

func (x *redactor) knowns(of map[string]analyze.Known, f func(string) string) map[string]analyze.Known {
	out := make(map[string]analyze.Known, len(of))
	for _, value := range sortedKeys(of) {
		k := of[value]
		k.Value, k.Why = f(value), x.text(k.Why)
		out[k.Value] = k
	}
	return out
}

// tables redacts what stands in tables. Where a column says by what the values of another are, they are taken for that.
func (x *redactor) tables(ts []Table) []Table {
	out := slices.Clone(ts)
	for i := range out {
		t := &out[i]
		t.Title = x.text(t.Title)
		t.Rows = make([][]Value, len(ts[i].Rows))
		for j, row := range ts[i].Rows {
			t.Rows[j] = slices.Clone(row)
			by := ""
			for k := range row {
				switch cell := &t.Rows[j][k]; t.Columns[k].Name {
				case "by":
					by = cell.text
				case "value":
					cell.text = x.keyed(by, cell.text)
				case "name":
					cell.text = x.name(cell.text)
				default:
					cell.text = x.text(cell.text)
				}
			}
		}
	}
	return out
}

// keyed redacts a value of a key of --by.
func (x *redactor) keyed(key, value string) string {
	switch key {
	case "account", "user", "host", "helo", "relay":
		return x.name(value)
	case "sender", "recipient":
		return x.address(value)
	case "sender-domain", "recipient-domain":
		return x.domain(value)
	case "subject":
		return x.subject(value)
	case "script", "directory":
		return x.path(value)
	case "asn", "country", "uid", "direction", "disposition":
		return value
	}
	return x.text(value)
}
