package report

import (
	"fmt"
	"strconv"
	"strings"

	"mailforensics/analyze"
)

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

// countsText names the first few of all values, with their numbers.
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
