package report

import (
	"cmp"
	"slices"

	"mailforensics/analyze"
)

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
	if r.Schema == findingsSchema && len(r.Findings) == 0 && r.Totals.Rejected > 0 { // who tried in vain is no finding, but often what is looked for next
		p.raw("most refused", Visible(command(r, "offenders", "--by ip --sort rejected")))
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
