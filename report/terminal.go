package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"mailforensics/analyze"
)

// Style is how Terminal may draw.
type Style struct {
	Width int  // columns of the terminal; 0: not a terminal, nothing is cut
	Color bool // with ANSI colours
}

// fullBlocks is how many findings get a block of their own when the user asked for no number, and overviewRows how many a row
// at the top.
const (
	fullBlocks   = 10
	overviewRows = 40
)

// Terminal writes the report for a person: the findings first, one block each, then the tables, then what the log as a whole
// held and what could not be read. All text of a log goes through Visible.
func Terminal(w io.Writer, r *Report, style Style) error {
	p := &page{r: r, style: style, files: r.fileNames(), columns: style.Width}
	if p.columns == 0 {
		p.columns = 100
	}
	if r.Command == investigateCommand {
		p.investigation()
	} else if r.Schema == findingsSchema {
		p.findings()
	}
	for _, t := range r.tablesFor(Person) {
		p.table(&t)
	}
	p.foot()
	_, err := w.Write(p.out.Bytes())
	return err
}

// page is a text under way.
type page struct {
	out     bytes.Buffer
	r       *Report
	style   Style
	files   []string
	columns int // in which text is wrapped
}

const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	yellow = "1;33"
	cyan   = "36"
)

func (p *page) paint(color, s string) string {
	if !p.style.Color || s == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (p *page) line(s string) {
	p.out.WriteString(s)
	p.out.WriteByte('\n')
}

func (p *page) findings() {
	r := p.r
	p.headline()
	if len(r.Findings) > 1 {
		p.overview()
	}
	blocks := len(r.Findings)
	if r.Left == 0 && blocks > fullBlocks+2 {
		blocks = fullBlocks
	}
	for i := range r.Findings[:blocks] {
		p.block(&r.Findings[i])
	}
	if rest := len(r.Findings) - blocks; rest > 0 {
		p.line("")
		p.wrap("", "", Counted(rest, "more finding has", "more findings have")+" only a row above: --top "+strconv.Itoa(len(r.Findings))+
			" shows them in full, and so does --format json.")
	}
	if r.Left > 0 {
		p.line("")
		p.line(Counted(r.Left, "more finding", "more findings") + " left out by --top.")
	}
}

// overview is a row for each finding: the answer on the first screen.
func (p *page) overview() {
	t := Table{Columns: []Column{
		{Name: "severity", Title: "severity"}, {Name: "detector", Title: "what", Spare: 1}, {Name: "subject", Title: "who"}, {Name: "start", Title: "from", Spare: 2},
		{Name: "lasted", Title: "lasted", Number: true, Spare: 5}, {Name: "messages", Title: "messages", Number: true},
		{Name: "rejected", Title: "rejected", Number: true, Spare: 4}, {Name: "score", Title: "sure", Number: true, Spare: 3},
	}}
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		t.Rows = append(t.Rows, []Value{
			Text(strings.ToUpper(f.Severity.String())), Text(f.Detector), Text(f.Subject.Value), Moment(f.Start), lasted(f),
			Int(f.Counts.Messages), Int(f.Counts.Rejected), Text(percent(f.Score)),
		})
		if i == overviewRows-1 && len(p.r.Findings) > overviewRows+2 {
			t.Left = len(p.r.Findings) - overviewRows
			break
		}
	}
	p.line("")
	p.grid(&t)
	if t.Left > 0 {
		p.line("and " + Commas(t.Left) + " more")
	}
}

// lasted is the time from the first to the last of a finding; not known, where that is not known.
func lasted(f *analyze.Finding) Value {
	if f.Start == 0 {
		return Value{}
	}
	return Span(f.End.Sub(f.Start))
}

func (p *page) headline() {
	r := p.r
	if len(r.Findings) == 0 {
		p.line(p.paint(bold, "Nothing found."))
		for _, d := range r.Detectors {
			p.wrap("  ", "    ", "looked for: "+d.Title)
		}
		return
	}
	p.line(p.paint(bold, countOf(r)) + ": " + severities(r.Findings))
}

func (p *page) block(f *analyze.Finding) {
	p.line("")
	p.wrap(p.severity(f)+"  ", "        ", p.paint(bold, Visible(f.Title)))
	p.field("when", when(p.r, f, onHosts(f.Hosts)))
	p.field("how much", howMuch(f))
	if fast := howFast(f, p.r.Zone); fast != "" {
		p.field("how fast", fast)
	}
	p.spark(f)
	p.who(f)
	p.whom(f)
	for _, fact := range f.Facts {
		p.field(Visible(fact.Name), Visible(fact.Text))
	}
	p.mangled(f)
	p.reasons(f)
	p.evidence(f)
	if len(f.Related) > 0 {
		p.field("see also", Visible(some(f.Related, 3, len(f.Related))))
	}
	p.traceLine(f)
}

// severity is a tag of six columns.
func (p *page) severity(f *analyze.Finding) string {
	tag := fmt.Sprintf("%-6s", strings.ToUpper(f.Severity.String()))
	switch f.Severity {
	case analyze.High:
		return p.paint(red, tag)
	case analyze.Medium:
		return p.paint(yellow, tag)
	}
	return p.paint(cyan, tag)
}

func onHosts(hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	return ", on " + Visible(some(hosts, 4, len(hosts)))
}

const labelWidth = 13

// field writes a label and a text that is wrapped under itself.
func (p *page) field(label, text string) {
	pad := max(labelWidth-width(label), 1)
	p.wrap("  "+p.paint(dim, label)+strings.Repeat(" ", pad), strings.Repeat(" ", labelWidth+2), text)
}

// item writes a further text under the last field.
func (p *page) item(text string) { p.field("", text) }

func (p *page) spark(f *analyze.Finding) {
	counts, minutes := series(f.Timeline, min(p.columns-labelWidth-16, 60))
	if len(counts) < 3 {
		return
	}
	zone := p.r.Zone
	first := f.Timeline[0].Time.In(zone).Format(minuteLayout)
	last := f.Timeline[len(f.Timeline)-1].Time.In(zone).Format(minuteLayout)
	label := ""
	if f.Rate == nil { // else it stands below how fast it went
		label = "over time"
	}
	p.field(label, first+" "+p.paint(cyan, sparkline(counts))+" "+last+p.paint(dim, "  a mark is "+step(minutes)))
}

const fewClients = 5

func (p *page) who(f *analyze.Finding) {
	for i := range f.Clients {
		if i == fewClients && len(f.Clients) > fewClients+1 {
			p.item("and " + Counted(len(f.Clients)-fewClients, "more client", "more clients"))
			break
		}
		c := &f.Clients[i]
		text := Visible(strings.Join(clientWords(&c.Client), "  "))
		if len(f.Clients) > 1 {
			text += p.paint(dim, "  "+clientVolume(c))
		}
		p.field(firstLabel(i, "client"), text)
	}
	if len(f.Accounts) > 0 {
		p.field("account", Visible(some(f.Accounts, 5, len(f.Accounts))))
	}
	if len(f.Scripts) > 0 {
		p.field("script", Visible(countsText(f.Scripts, 5, len(f.Scripts))))
	}
}

func firstLabel(i int, label string) string {
	if i == 0 {
		return label
	}
	return ""
}

func clientVolume(c *analyze.ClientCount) string {
	switch {
	case c.Messages > 0:
		return Counted(c.Messages, "message", "messages")
	case c.Rejected > 0:
		return Commas(c.Rejected) + " rejected"
	case c.FailedLogins > 0:
		return Counted(c.FailedLogins, "failed login", "failed logins")
	}
	return Counted(c.Logins, "login", "logins")
}

func countsText(cs []analyze.Count, few, all int) string {
	texts := make([]string, len(cs))
	for i, c := range cs {
		texts[i] = c.Value
		if all > 1 && cs[0].Messages > 1 { // where each has one, the numbers say nothing
			texts[i] += " (" + Commas(c.Messages) + ")"
		}
	}
	return some(texts, few, all)
}

func (p *page) whom(f *analyze.Finding) {
	if n := max(f.Counts.Senders, len(f.Senders)); n > 0 {
		text := countsText(f.Senders, 3, n)
		if n > 1 {
			text = sendersText(f, n)
		}
		p.field("from", Visible(text))
	}
	if n := max(f.Counts.RecipientDomains, len(f.RecipientDomains)); n > 0 {
		p.field("to", Visible(countsText(f.RecipientDomains, 5, n)))
	}
	if len(f.Subjects) > 0 {
		p.field("subject", Visible(countsText(f.Subjects, 3, len(f.Subjects))))
	}
}

// sendersCounted says how many senders there are, and in how many domains if the detector counts these.
func sendersCounted(f *analyze.Finding, n int) string {
	text := Counted(n, "sender", "senders")
	if f.Counts.SenderDomains > 0 {
		text += " in " + Counted(f.Counts.SenderDomains, "domain", "domains")
	}
	return text
}

// sendersText says how many senders there are, and what is known of them: some detectors count them and keep no names.
func sendersText(f *analyze.Finding, n int) string {
	text := sendersCounted(f, n)
	if len(f.Senders) > 0 {
		text += ": " + countsText(f.Senders, 3, n)
	}
	return text
}

func (p *page) mangled(f *analyze.Finding) {
	for i := range f.Mangled {
		m := &f.Mangled[i]
		if i == 3 && len(f.Mangled) > 4 {
			p.item("and " + Commas(len(f.Mangled)-3) + " more")
			break
		}
		text := m.Recipient
		if m.Original != "" {
			text += " is " + m.Original + ", damaged"
		}
		p.field(firstLabel(i, "mangled"), Visible(text+" ("+m.Kind+")"))
	}
}

func (p *page) reasons(f *analyze.Finding) {
	p.field("why", Visible(f.Detector)+", "+percent(f.Score)+" sure"+colonIf(len(f.Reasons) > 0))
	const weightWidth = 7
	for _, reason := range f.Reasons {
		weight := fmt.Sprintf("%5.2f", reason.Weight)
		p.wrap(strings.Repeat(" ", labelWidth+2)+p.paint(dim, weight)+"  ", strings.Repeat(" ", labelWidth+2+weightWidth), Visible(reason.Text))
	}
}

func colonIf(more bool) string {
	if more {
		return ":"
	}
	return ""
}

const (
	fewLines   = 4
	fewColumns = 100 // less of a line of a log shows hardly more than who wrote it
	fewRows    = 3   // of a narrow terminal, for such a line
)

// evidence shows a few lines, cut to the terminal; --format json has them whole.
func (p *page) evidence(f *analyze.Finding) {
	for i := range f.Evidence {
		if i == fewLines {
			break
		}
		e := &f.Evidence[i]
		place := ""
		if int(e.File) < len(p.files) {
			place = Visible(p.files[e.File]) + ":" + strconv.FormatInt(e.Line, 10) + ":"
		}
		text := Visible(e.Text)
		label := firstLabel(i, "lines")
		p.out.WriteString("  " + p.paint(dim, label) + strings.Repeat(" ", labelWidth-len(label)) + p.paint(dim, place))
		indent := strings.Repeat(" ", labelWidth+2)
		switch room := p.style.Width - len(indent); {
		case p.style.Width == 0:
			p.line(" " + text)
		case room-width(place)-1 >= fewColumns:
			p.line(" " + cut(text, room-width(place)-1))
		default: // beside the place there is room for a stamp, which proves nothing
			p.line("")
			p.wrap(indent, indent, cut(text, fewRows*max(room, 20)))
		}
	}
}

func (p *page) traceLine(f *analyze.Finding) {
	p.raw("see more", p.paint(bold, Visible(traceCommand(f, p.r))))
}

// raw writes a label and a text that is never wrapped, so that it can be copied.
func (p *page) raw(label, text string) {
	p.line("  " + p.paint(dim, label) + strings.Repeat(" ", max(labelWidth-width(label), 1)) + text)
}

func (p *page) table(t *Table) {
	if p.out.Len() > 0 {
		p.line("")
	}
	if t.Title != "" {
		p.line(p.paint(bold, t.Title))
	}
	if len(t.Rows) == 0 {
		p.line("  " + t.Empty)
		return
	}
	p.grid(t)
	if t.Left > 0 {
		p.line(p.paint(dim, "and "+Commas(t.Left)+" more: --top shows more"))
	}
}

// grid draws the rows of a table, and says which columns the terminal has no room for.
func (p *page) grid(t *Table) {
	text, left := drawTable(t, p.style.Width, p.r.Zone)
	p.out.WriteString(text)
	if len(left) > 0 {
		p.wrap("", "", p.paint(dim, "too narrow for: "+strings.Join(left, ", ")))
	}
}

// foot says what the log as a whole held, what the report rests on, and what it does not cover.
func (p *page) foot() {
	r := p.r
	p.line("")
	p.field("totals", totalsText(&r.Totals))
	p.field("covered", covered(r)+onHosts(hostsOf(r)))
	p.item(Visible(zoneText(r)))
	for _, rule := range yearTexts(r) {
		p.item(Visible(rule))
	}
	p.gaps()
	p.field("read", verdicts(r))
	p.learned()
	p.unread()
	for i, note := range r.Notes {
		p.field(firstLabel(i, "note"), Visible(note))
	}
	if r.Command == investigateCommand {
		p.closing()
	}
	if r.Command == investigateCommand && len(r.Incidents) > 0 {
		p.field("to prevent", "--format html and --format markdown also say which settings keep it from coming again")
	}
	if r.Schema == findingsSchema && slices.ContainsFunc(r.Findings, blockable) {
		p.raw("to block", Visible(command(r, "block")))
	}
	if r.Schema == findingsSchema && len(r.Findings) > 0 {
		p.raw("as data", Visible(command(r, r.Command, "--format json")))
	}
}

// blockable reports whether a finding is about addresses, and grave enough to shut them out.
func blockable(f analyze.Finding) bool {
	return f.Severity == analyze.High && (f.Subject.Kind == analyze.IP || f.Subject.Kind == analyze.Network || f.Subject.Kind == analyze.CampaignKind)
}

func (p *page) gaps() {
	for i, g := range p.r.Gaps {
		if i == 3 {
			p.item("and " + Counted(p.r.QuietSpans-3, "shorter gap", "shorter gaps"))
			break
		}
		p.field(firstLabel(i, "gaps"), Visible(cmp.Or(g.Host, "a log without host names"))+" logged nothing "+from(g.From, g.To, p.r.Zone))
	}
}

func (p *page) learned() {
	s := p.r.Site
	if s == nil {
		return
	}
	if roles := rolesText(s); roles != "" {
		p.field("roles", Visible(roles))
	}
	if domains := domainsText(s.LocalDomains); domains != "" {
		p.field("local", Visible(domains))
	}
	if domains := domainsText(s.RelayDomains); domains != "" {
		p.field("passed on", Visible(domains))
	}
}

func (p *page) unread() {
	for i, text := range troubles(p.r) {
		p.field(p.paint(red, firstLabel(i, "unread")), Visible(text))
	}
	for i, s := range p.r.Ledger.Shapes {
		if i == 3 {
			p.item("and " + Counted(len(p.r.Ledger.Shapes)-3, "more shape", "more shapes") + ", in --format json")
			break
		}
		p.field(firstLabel(i, "unknown"), Counted(int(s.Count), "line", "lines")+" like: "+Visible(s.Text))
	}
}

// wrap writes text with a first prefix and further lines under an indent, broken at blanks, which are left out there. A word that
// is longer than the line stands on a line of its own.
func (p *page) wrap(first, indent, text string) {
	p.out.WriteString(first)
	room := max(p.columns-width(indent), 20)
	used, blanks := 0, 0
	for word := range strings.SplitSeq(text, " ") {
		w := width(word)
		if word == "" {
			blanks++
			continue
		}
		if used > 0 && used+blanks+w > room {
			p.out.WriteByte('\n')
			p.out.WriteString(indent)
			used, blanks = 0, 0
		}
		p.out.WriteString(strings.Repeat(" ", blanks))
		p.out.WriteString(word)
		used, blanks = used+blanks+w, 1
	}
	p.out.WriteByte('\n')
}
