package report

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"mailforensics/analyze"
)

// Markdown writes the report as a document for a ticket or a wiki. Text of a log stands in code spans, where nothing acts;
// sentences that contain such text go through markdown.
func Markdown(w io.Writer, r *Report) error {
	d := &document{r: r, files: r.fileNames()}
	if r.Command == investigateCommand {
		d.line("# " + d.title())
		d.investigation()
	} else {
		d.line("# mailforensics " + r.Command)
	}
	if r.Schema == findingsSchema && r.Command != investigateCommand {
		d.findings()
	}
	for _, t := range r.tablesFor(Person) {
		d.table(&t)
	}
	d.foot()
	_, err := w.Write(d.out.Bytes())
	return err
}

type document struct {
	out   bytes.Buffer
	r     *Report
	files []string
}

func (d *document) line(s string) {
	d.out.WriteString(s)
	d.out.WriteByte('\n')
}

// blank writes a blank line, and never two.
func (d *document) blank() {
	if !bytes.HasSuffix(d.out.Bytes(), []byte("\n\n")) {
		d.line("")
	}
}

// head writes a heading between blank lines.
func (d *document) head(level int, s string) {
	d.blank()
	d.line(strings.Repeat("#", level) + " " + s)
	d.blank()
}

func (d *document) item(label, text string) {
	if text != "" {
		d.line("- **" + label + ":** " + text)
	}
}

func (d *document) findings() {
	r := d.r
	d.blank()
	if len(r.Findings) == 0 {
		d.line("**Nothing found.** " + inVain(d.r))
		d.blank()
		for _, det := range r.Detectors {
			d.line("- looked for: " + markdown(det.Title))
		}
		return
	}
	d.line("**" + countOf(r) + ": " + severities(r.Findings) + ".**")
	for i := range r.Findings {
		d.finding(&r.Findings[i])
	}
	if r.Left > 0 {
		d.blank()
		d.line(Counted(r.Left, "more finding", "more findings") + " left out by `--top`.")
	}
}

func (d *document) finding(f *analyze.Finding) {
	zone := d.r.Zone
	d.head(2, strings.ToUpper(f.Severity.String())+": "+markdown(f.Title))
	d.item("detector", code(f.Detector)+", "+percent(f.Score)+" sure")
	d.item(markdown(string(f.Subject.Kind)), code(f.Subject.Value))
	d.item("when", when(d.r, f, ""))
	d.item("hosts", codes(f.Hosts, 8, len(f.Hosts)))
	d.item("how much", howMuch(f))
	d.item("how fast", howFast(f, zone))
	if counts, minutes := series(f.Timeline, 60); len(counts) > 2 {
		d.item("over time", code(sparkline(counts))+" (a mark is "+step(minutes)+")")
	}
	d.item("accounts", codes(f.Accounts, 10, len(f.Accounts)))
	d.item("scripts", counts(f.Scripts, 10, len(f.Scripts)))
	d.item("senders", senderCounts(f))
	d.item("recipient domains", counts(f.RecipientDomains, 10, max(f.Counts.RecipientDomains, len(f.RecipientDomains))))
	d.item("subjects", counts(f.Subjects, 5, len(f.Subjects)))
	for _, fact := range f.Facts {
		d.item(markdown(fact.Name), markdown(fact.Text))
	}
	d.item("signature", code(f.Signature.In(zone)))
	d.clients(f.Clients)
	d.mangled(f.Mangled)
	d.reasons(f.Reasons)
	d.evidence(f.Evidence)
	d.item("see more", code(traceCommand(f, d.r)))
}

// codes are values as code spans, a few of them.
func codes(vs []string, few, all int) string {
	if len(vs) == 0 {
		return ""
	}
	spans := make([]string, min(few, len(vs)))
	for i := range spans {
		spans[i] = code(vs[i])
	}
	return some(spans, few, all)
}

// counts are values as code spans with their numbers, a few of all.
func counts(cs []analyze.Count, few, all int) string {
	spans := make([]string, min(few, len(cs)))
	for i := range spans {
		spans[i] = code(cs[i].Value) + " (" + Commas(cs[i].Messages) + ")"
	}
	if len(spans) == 0 {
		return ""
	}
	return some(spans, few, all)
}

// senderCounts are the most frequent senders, or how many there are where the detector keeps no names.
func senderCounts(f *analyze.Finding) string {
	n := max(f.Counts.Senders, len(f.Senders))
	if len(f.Senders) == 0 && n > 0 {
		return Commas(n)
	}
	return counts(f.Senders, 5, n)
}

func (d *document) clients(cs []analyze.ClientCount) {
	if len(cs) == 0 {
		return
	}
	d.blank()
	logins := slices.ContainsFunc(cs, func(c analyze.ClientCount) bool { return c.Logins > 0 })
	failed := slices.ContainsFunc(cs, func(c analyze.ClientCount) bool { return c.FailedLogins > 0 })
	more := func(in, out string) (cells []string) {
		if logins {
			cells = append(cells, in)
		}
		if failed {
			cells = append(cells, out)
		}
		return cells
	}
	d.row(append([]string{"client", "name", "HELO", "AS", "country", "messages", "rejected"}, more("logins", "failed logins")...)...)
	d.row(append([]string{"---", "---", "---", "---", "---", "--:", "--:"}, more("--:", "--:")...)...)
	for i := range cs {
		c := &cs[i]
		ip, asn := "", ""
		if c.IP.IsValid() {
			ip = c.IP.Unmap().String()
		}
		if c.ASN != 0 {
			asn = strconv.FormatUint(uint64(c.ASN), 10)
		}
		d.row(append([]string{code(ip), code(c.Name), code(c.HELO), asn, code(c.Country), Commas(c.Messages), Commas(c.Rejected)}, more(Commas(c.Logins), Commas(c.FailedLogins))...)...)
	}
	d.blank()
}

func (d *document) mangled(ms []analyze.Mangled) {
	if len(ms) == 0 {
		return
	}
	d.blank()
	d.row("damaged recipient", "known address", "kind")
	d.row("---", "---", "---")
	for i := range ms {
		d.row(code(ms[i].Recipient), code(ms[i].Original), markdown(ms[i].Kind))
	}
	d.blank()
}

func (d *document) reasons(rs []analyze.Reason) {
	if len(rs) == 0 {
		return
	}
	d.blank()
	d.row("weight", "why")
	d.row("--:", "---")
	for _, reason := range rs {
		d.row(decimal(reason.Weight), markdown(reason.Text))
	}
	d.blank()
}

func (d *document) evidence(es []analyze.Evidence) {
	for i := range es {
		e := &es[i]
		place := ""
		if int(e.File) < len(d.files) {
			place = code(d.files[e.File]) + " line " + strconv.FormatInt(e.Line, 10) + ": "
		}
		d.item("evidence", place+code(e.Text))
	}
}

func (d *document) row(cells ...string) {
	d.line("| " + strings.Join(cells, " | ") + " |")
}

func (d *document) table(t *Table) {
	d.head(2, markdown(t.Title))
	if len(t.Rows) == 0 {
		d.line(markdown(t.Empty))
		return
	}
	var heads, rules []string
	var at []int
	for i, c := range t.Columns {
		_, known := kindOf(t.Rows, i)
		if c.Title == "" || !known {
			continue
		}
		heads, at = append(heads, markdown(c.Title)), append(at, i)
		if c.Number {
			rules = append(rules, "--:")
		} else {
			rules = append(rules, "---")
		}
	}
	d.row(heads...)
	d.row(rules...)
	for _, row := range t.Rows {
		cells := make([]string, len(at))
		for i, j := range at {
			cells[i] = d.cell(row[j])
		}
		d.row(cells...)
	}
	if t.Left > 0 {
		d.blank()
		d.line("and " + Commas(t.Left) + " more.")
	}
}

func (d *document) cell(v Value) string {
	if v.kind == textValue {
		return code(v.text)
	}
	return shown(v, d.r.Zone)
}

func (d *document) foot() {
	r := d.r
	d.head(2, "What this rests on")
	d.item("totals", totalsText(&r.Totals))
	d.item("covered", covered(r))
	d.item("hosts", codes(hostsOf(r), 20, len(hostsOf(r))))
	d.item("zone", markdown(zoneText(r)))
	for _, rule := range yearTexts(r) {
		d.item("stamps", markdown(rule))
	}
	for _, g := range r.Gaps {
		d.item("gap", code(cmp.Or(g.Host, "a log without host names"))+" logged nothing "+from(g.From, g.To, r.Zone))
	}
	d.item("read", verdicts(r))
	if r.Site != nil {
		d.item("roles", markdown(rolesText(r.Site)))
		d.item("local domains", markdown(domainsText(r.Site.LocalDomains)))
		d.item("domains passed on", markdown(domainsText(r.Site.RelayDomains)))
	}
	for _, text := range troubles(r) {
		d.item("not read", markdown(text))
	}
	for _, s := range r.Ledger.Shapes {
		d.item("unfamiliar", Counted(int(s.Count), "line", "lines")+" like "+code(s.Text))
	}
	for _, note := range r.Notes {
		d.item("note", markdown(note))
	}
	d.inputs()
	d.item("made by", "mailforensics "+markdown(r.Version))
}

func (d *document) inputs() {
	d.blank()
	d.row("file", "bytes", "lines", "events", "foreign", "unread", "SHA-256")
	d.row("---", "--:", "--:", "--:", "--:", "--:", "---")
	for i := range d.r.Ledger.Files {
		f := &d.r.Ledger.Files[i]
		d.row(code(f.Path), Commas(int(f.Bytes)), Commas(int(f.Lines)), Commas(int(f.Parsed)), Commas(int(f.Foreign)),
			Commas(int(f.Unfamiliar+f.Damaged)), code(f.SHA256))
	}
	d.blank()
}
