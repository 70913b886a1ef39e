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
// replaced, and so is every login, host and subject that the report knows or that read finds in the line, and what stands where
// a mail server writes one. Other words of a line stay as they are; read it before you send it.
func Redact(r *Report, read LineReader) *Report {
	x := newRedactor(r)
	x.read = read
	for _, f := range r.named() { // who is named late must be known in the first line, too
		x.finding(f)
	}
	x.sort()
	c := *r
	c.Files = slices.Clone(r.Files)
	for i, f := range r.Files {
		c.Files[i] = x.file(f)
	}
	c.Options = nil // they name domains and hosts
	c.Instances = nil
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
	c.Named = nil
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

// LineReader reads a log line as the formats do, into ev; false where none knows it.
type LineReader func(line string, ev *mail.Event) bool

// named are the findings whose names the report knows.
func (r *Report) named() []*analyze.Finding {
	all := make([]*analyze.Finding, 0, len(r.Findings)+len(r.Named))
	for _, findings := range [...][]analyze.Finding{r.Findings, r.Named} {
		for i := range findings {
			all = append(all, &findings[i])
		}
	}
	return all
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
	phrases  map[string]string // subjects, and names and addresses that are more than a word
	given    map[string]bool   // pseudonyms, which must not get others
	sought   *phrases          // the same, made ready
	read     LineReader        // may be nil
}

func newRedactor(r *Report) *redactor {
	x := &redactor{
		files: make(map[string]string), ips: make(map[netip.Addr]netip.Addr), networks: make(map[netip.Prefix]int),
		inside: make(map[netip.Prefix]int), domains: make(map[string]string), locals: make(map[string]string),
		names: make(map[string]string), subjects: make(map[string]string), phrases: make(map[string]string), given: make(map[string]bool),
	}
	for i := range r.Ledger.Files {
		x.file(r.Ledger.Files[i].Path)
		for _, h := range r.Ledger.Files[i].Hosts {
			x.name(h)
		}
	}
	for _, f := range r.named() {
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
	x.sort()
	return x
}

// sort makes the phrases ready that are known so far.
func (x *redactor) sort() {
	x.sought = newPhrases(x.phrases)
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
	c.Accounts, c.Opened = x.each(f.Accounts, x.name), x.each(f.Opened, x.name)
	c.Senders = x.counts(f.Senders, x.address)
	c.RecipientDomains = x.counts(f.RecipientDomains, x.domain)
	c.Subjects = x.counts(f.Subjects, x.subject)
	c.Hosts, c.QueueHosts = x.each(f.Hosts, x.name), x.each(f.QueueHosts, x.name)
	c.NoticeHosts = x.each(f.NoticeHosts, x.name)
	c.Scripts = x.counts(f.Scripts, x.path)
	c.Mangled = slices.Clone(f.Mangled)
	for i := range c.Mangled {
		c.Mangled[i].Recipient, c.Mangled[i].Original = x.address(c.Mangled[i].Recipient), x.address(c.Mangled[i].Original)
	}
	c.Signature.Terms = x.text(f.Signature.Terms)
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
	return fmt.Errorf("%s", x.replaced(text, x.sought.find(text, newPhrases(x.files).find(text, nil))))
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
