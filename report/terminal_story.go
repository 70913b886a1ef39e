package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mailforensics/analyze"
)

// The document of investigate on a terminal. Its reader is tired: who, when, how much, how they got in and what to do stand
// in the first lines; the argument, the timeline and the lines of the log follow, and one incident never takes a block for
// each of its findings.

const (
	toldStories  = 5  // incidents told in full when the user asked for no number
	topIncidents = 7  // rows above the first story
	toldEntries  = 16 // moments of a story
	toldInputs   = 24
	longCommand  = 300
	toldCommand  = 3000 // a longer one is for a file
)

func (p *page) investigation() {
	r := p.r
	stories := tell(r)
	if len(stories) == 0 {
		p.line(p.paint(bold, "Nothing found."))
		p.covered()
		p.notFound()
		return
	}
	told := min(len(stories), cmp.Or(r.Told, toldStories))
	p.line(p.paint(bold, Counted(len(stories), "incident", "incidents")) + ": " + gravity(stories) + " (" + Counted(len(r.Findings), "finding", "findings") + ")")
	if len(stories) > 1 {
		p.line("")
		p.incidentTable(stories[:min(len(stories), max(topIncidents, told))])
		if more := len(stories) - max(topIncidents, told); more > 0 {
			p.line(p.paint(dim, "and "+Commas(more)+" more, at the end"))
		}
	}
	for _, s := range stories[:told] {
		p.story(s)
	}
	if rest := stories[told:]; len(rest) > 0 && len(stories) > topIncidents {
		p.line("")
		p.line(p.paint(bold, Counted(len(rest), "more incident", "more incidents")) + p.paint(dim, "  --top shows more in full, --format html all"))
		p.incidentTable(rest[:min(len(rest), overviewRows)])
	}
	p.line("")
	p.notFound()
}

// gravity says how many stories there are of each severity.
func gravity(stories []*story) string {
	var n perSeverity
	for _, s := range stories {
		n[s.Severity]++
	}
	return n.String()
}

func (p *page) incidentTable(stories []*story) {
	t := Table{Columns: []Column{
		{Name: "n", Title: "", Number: true}, {Name: "severity", Title: "severity"}, {Name: "what", Title: "what", Spare: 1}, {Name: "who", Title: "who"},
		{Name: "start", Title: "from", Spare: 2}, {Name: "lasted", Title: "lasted", Number: true, Spare: 4}, {Name: "messages", Title: "messages", Number: true},
		{Name: "rejected", Title: "rejected", Number: true, Spare: 3}, {Name: "findings", Title: "findings", Number: true, Spare: 5},
	}}
	for _, s := range stories {
		t.Rows = append(t.Rows, []Value{
			Int(s.number), Text(strings.ToUpper(s.Severity.String())), Text(s.main.Detector), Text(s.main.Subject.Value), Moment(s.main.Start), lasted(s.main),
			Int(s.main.Counts.Messages), Int(s.main.Counts.Rejected), Int(1 + len(s.others)),
		})
	}
	p.grid(&t)
}

func (p *page) story(s *story) {
	f := s.main
	p.line("")
	p.wrap(p.severity(f)+"  ", "        ", p.paint(bold, Visible(s.sentence)))
	p.field("when", when(p.r, f, onHosts(f.Hosts)))
	much := howMuch(f)
	if queued := queuedText(s.findings()); queued != "" {
		much += "; " + queued + " may still be in the queue"
	}
	p.field("how much", much)
	p.statements("way in", s.ways)
	p.offenders(s)
	p.doNow(s)
	if fast := howFast(f, p.r.Zone); fast != "" {
		p.field("how fast", fast)
	}
	p.spark(f)
	p.chain(s)
	p.whom(f)
	for _, fact := range f.Facts {
		if !saidBy(s.ways, fact) {
			p.field(Visible(fact.Name), Visible(fact.Text))
		}
	}
	p.mangled(f)
	p.statements("affected", s.affected)
	p.statements("damage", s.damage)
	p.reasons(f)
	p.evidence(f)
	p.findingRows(s)
	for i, text := range s.limits {
		p.field(firstLabel(i, "not covered"), Visible(text))
	}
	p.traceLine(f)
	p.longCommands(s)
}

// offenders are the clients of all findings, the busiest first.
func (p *page) offenders(s *story) {
	const few = 3
	for i := range s.clients {
		c := &s.clients[i]
		if i == few && len(s.clients) > few+1 {
			p.item("and " + Counted(len(s.clients)-few, "more client", "more clients"))
			break
		}
		text := Visible(strings.Join(clientWords(&c.Client), "  "))
		if len(s.clients) > 1 {
			text += p.paint(dim, "  "+clientVolume(c))
		}
		p.field(firstLabel(i, "client"), text)
	}
	if len(s.main.Scripts) > 0 {
		p.field("script", Visible(countsText(s.main.Scripts, 3, len(s.main.Scripts))))
	}
}

func (p *page) statements(label string, all []statement) {
	first := firstOf(all)
	for i, st := range first {
		p.field(firstLabel(i, label), Visible(st.Text))
	}
	if more := len(all) - len(first); more > 0 {
		p.item("and " + Commas(more) + " more")
	}
}

// firstOf is as many statements as a terminal shows of all: three, or all four.
func firstOf(all []statement) []statement {
	const few = 3
	if len(all) > few+1 {
		return all[:few]
	}
	return all
}

// saidBy reports whether a fact stands in one of the statements that are shown.
func saidBy(ways []statement, fact analyze.Fact) bool {
	return slices.ContainsFunc(firstOf(ways), func(st statement) bool { return strings.HasSuffix(st.Text, fact.Text) })
}

// doNow is what to do, as commands to copy. Long ones stand at the end of the story, where they push nothing away.
func (p *page) doNow(s *story) {
	for i, a := range s.actions {
		why := a.Why
		if len(a.Command) > longCommand {
			why += " (command " + strconv.Itoa(i+1) + " below)"
		}
		p.field(firstLabel(i, "do now"), Visible(strconv.Itoa(i+1)+". "+why))
		if a.Command != "" && len(a.Command) <= longCommand {
			p.raw("", "   "+p.paint(bold, Visible(a.Command)))
		}
	}
}

func (p *page) longCommands(s *story) {
	for i, a := range s.actions {
		switch {
		case len(a.Command) <= longCommand:
		case len(a.Command) > toldCommand:
			p.field("command "+strconv.Itoa(i+1), "is too long for a screen. --format html has it, and this writes it to a file, to be read and run:")
			p.raw("", p.paint(bold, Visible(fmt.Sprintf("%s | jq -r '.incidents[%d].actions[%d].command' >command-%d.sh", command(p.r, p.r.Command, "--format json"), s.number-1, i, i+1))))
		default:
			p.field("command "+strconv.Itoa(i+1), Visible(a.Why))
			p.line(Visible(a.Command))
		}
	}
}

// chain is the story in order of time.
func (p *page) chain(s *story) {
	few := fewEntries(s.happened, s.main.ID, toldEntries)
	if len(few) < 2 {
		return
	}
	day := ""
	for i, e := range few {
		at := e.Time.In(p.r.Zone)
		clock := at.Format(clockLayout)
		if d := at.Format("Mon 2006-01-02"); d != day {
			day = d
			p.field(firstLabel(i, "timeline"), p.paint(dim, d))
		}
		text := Visible(strings.Join(e.Texts, "; "))
		if place := p.place(e.Evidence); place != "" {
			text += " " + p.paint(dim, "("+place+")")
		}
		p.wrap(strings.Repeat(" ", labelWidth+2)+clock+"  ", strings.Repeat(" ", labelWidth+2+10), text)
	}
	if more := len(s.happened) - len(few); more > 0 {
		p.item(p.paint(dim, "and "+Counted(more, "more event", "more events")+": --format html has all"))
	}
}

// place is where a line stands.
func (p *page) place(e *analyze.Evidence) string {
	if e == nil || int(e.File) >= len(p.files) {
		return ""
	}
	return Visible(shortNames(p.files)[e.File]) + ":" + strconv.FormatInt(e.Line, 10)
}

// findingRows are the findings of a story beside the main one, a row each.
func (p *page) findingRows(s *story) {
	const most = 8
	for i, f := range s.others {
		if i == most && len(s.others) > most+1 {
			p.item("and " + Counted(len(s.others)-most, "more finding", "more findings") + ": --format html has all")
			break
		}
		p.field(firstLabel(i, "also"), Visible(f.Severity.String()+", "+f.Detector+" "+percent(f.Score)+": "+f.Title))
	}
}

// notFound is what was looked for in vain.
func (p *page) notFound() {
	for i, title := range notFoundTitles(p.r) {
		p.field(firstLabel(i, "not found"), Visible(title))
	}
}

// covered says over what the search went.
func (p *page) covered() {
	p.wrap("  ", "  ", inVain(p.r))
}

// closing is the end of the document: what the logs lack, and what was read.
func (p *page) closing() {
	for i, a := range p.r.Advice {
		p.field(firstLabel(i, "log better"), Visible("not in these logs: "+a.Why))
		p.raw("", "   "+Visible(a.Setting))
	}
	for i := range p.r.Ledger.Files {
		if left := len(p.r.Ledger.Files) - i; i == toldInputs && left > 2 {
			p.item("and " + Commas(left) + " more, which --format json names")
			break
		}
		f := &p.r.Ledger.Files[i]
		text := Visible(f.Path) + ": " + Bytes(f.Bytes) + ", " + Counted(int(f.Lines), "line", "lines")
		p.field(firstLabel(i, "inputs"), text)
		if f.SHA256 != "" {
			p.item(p.paint(dim, "SHA-256 "+f.SHA256))
		}
	}
}
