package report

import (
	"fmt"
	"strconv"
	"strings"

	"mailforensics/analyze"
)

// The document of investigate as Markdown: for a ticket, a wiki, a mail to the data protection officer.

// markdownStories is how many incidents are told in full; the others have a row.
const markdownStories = 20

func (d *document) investigation() {
	r := d.r
	stories := tell(r)
	d.blank()
	if len(stories) == 0 {
		d.line("**Nothing found.** " + inVain(r))
	}
	if len(stories) > 1 {
		d.line("**" + Counted(len(stories), "incident", "incidents") + ": " + gravity(stories) + " (" + Counted(len(r.Findings), "finding", "findings") + ").**")
		d.incidents(stories)
	}
	for _, s := range stories[:min(len(stories), markdownStories)] {
		d.story(s)
	}
	d.list(2, "Looked for and not found", notFoundTitles(r))
	d.list(2, "Not covered", coverageTexts(r))
	d.advice(r.Advice)
}

// title is the sentence above everything.
func (d *document) title() string {
	stories := tell(d.r)
	switch len(stories) {
	case 0:
		return "Nothing found"
	case 1:
		return markdown(stories[0].sentence)
	}
	return markdown(stories[0].sentence) + fmt.Sprintf(", and %s", Counted(len(stories)-1, "more incident", "more incidents"))
}

func (d *document) incidents(stories []*story) {
	d.blank()
	d.row("", "severity", "what", "who", "from", "lasted", "messages", "rejected", "findings")
	d.row("--:", "---", "---", "---", "---", "--:", "--:", "--:", "--:")
	for _, s := range stories {
		d.row(strconv.Itoa(s.number), s.Severity.String(), code(s.main.Detector), code(s.main.Subject.Value), shown(Moment(s.main.Start), d.r.Zone),
			shown(lasted(s.main), d.r.Zone), Commas(s.main.Counts.Messages), Commas(s.main.Counts.Rejected), Commas(1+len(s.others)))
	}
	d.blank()
}

func (d *document) story(s *story) {
	zone := d.r.Zone
	d.head(2, fmt.Sprintf("%d. %s: %s", s.number, strings.ToUpper(s.Severity.String()), markdown(s.sentence)))
	d.item("when", when(d.r, s.main, ""))
	d.item("hosts", codes(s.main.Hosts, 8, len(s.main.Hosts)))
	d.item("how much", howMuch(s.main))
	if queued := queuedText(s.findings()); queued != "" {
		d.item("still queued", queued+", as far as the log shows")
	}
	d.item("who", markdown(whoText(s)))
	d.item("how sure", code(s.main.Detector)+", "+percent(s.main.Score))
	d.statements("How they got in", s.ways)
	d.todo(s)
	d.chain(s)
	d.head(3, "Who did it")
	d.item("accounts", codes(s.main.Accounts, 10, len(s.main.Accounts)))
	d.item("scripts", counts(s.main.Scripts, 10, len(s.main.Scripts)))
	d.item("signature", code(s.main.Signature.In(zone)))
	d.clients(s.clients)
	d.head(3, "What went out, and to whom")
	d.item("how fast", howFast(s.main, zone))
	if counts, minutes := series(s.main.Timeline, 60); len(counts) > 2 {
		d.item("over time", code(sparkline(counts))+" (a mark is "+step(minutes)+")")
	}
	d.item("senders", senderCounts(s.main))
	d.item("recipient domains", counts(s.main.RecipientDomains, 10, max(s.main.Counts.RecipientDomains, len(s.main.RecipientDomains))))
	d.item("subjects", counts(s.main.Subjects, 5, len(s.main.Subjects)))
	for _, fact := range s.main.Facts {
		d.item(markdown(fact.Name), markdown(fact.Text))
	}
	d.mangled(s.main.Mangled)
	d.statements("Who else is affected", s.affected)
	d.statements("Damage", s.damage)
	d.prevention(s)
	d.why(s)
	d.list(3, "What these logs cannot show", s.limits)
}

func (d *document) statements(title string, all []statement) {
	if len(all) == 0 {
		return
	}
	d.head(3, title)
	for _, st := range all {
		d.line("- " + markdown(st.Text))
	}
}

func (d *document) list(level int, title string, texts []string) {
	if len(texts) == 0 {
		return
	}
	d.head(level, title)
	for _, text := range texts {
		d.line("- " + markdown(text))
	}
}

// chain is what happened, each moment with its line.
func (d *document) chain(s *story) {
	const most = 100
	if len(s.happened) == 0 {
		return
	}
	d.head(3, "What happened")
	d.row("when", "what", "line")
	d.row("---", "---", "---")
	few := fewEntries(s.happened, s.main.ID, most)
	for _, e := range few {
		d.row(e.Time.In(d.r.Zone).Format(dayLayout), markdown(strings.Join(e.Texts, "; ")), d.place(e.Evidence))
	}
	if more := len(s.happened) - len(few); more > 0 {
		d.blank()
		d.line("and " + Counted(more, "more moment", "more moments") + ".")
	}
}

func (d *document) place(e *analyze.Evidence) string {
	if e == nil || int(e.File) >= len(d.files) {
		return ""
	}
	return code(d.files[e.File] + ":" + strconv.FormatInt(e.Line, 10))
}

func (d *document) todo(s *story) {
	if len(s.actions) == 0 {
		return
	}
	d.head(3, "What to do now")
	for i, a := range s.actions {
		d.line(strconv.Itoa(i+1) + ". " + markdown(a.Why))
		if a.Command != "" {
			d.fence("sh", a.Command)
		}
	}
}

func (d *document) prevention(s *story) {
	if len(s.prevention) == 0 {
		return
	}
	d.head(3, "How to prevent it")
	d.settings(s.prevention)
}

// fence is the lines of a text as a block of code under an item, where nothing of it is acted on.
func (d *document) fence(language string, lines ...string) {
	fence := "```"
	for _, text := range lines {
		for strings.Contains(text, fence) {
			fence += "`"
		}
	}
	d.line("")
	d.line("   " + fence + language)
	for _, text := range lines {
		d.line("   " + Visible(text))
	}
	d.line("   " + fence)
	d.line("")
}

// why is the argument, and the other findings of the story in a row each.
func (d *document) why(s *story) {
	d.head(3, "Why we say so")
	d.reasons(s.main.Reasons)
	d.evidence(s.main.Evidence)
	d.item("see more", code(traceCommand(s.main, d.r)))
	if len(s.others) == 0 {
		return
	}
	d.blank()
	d.row("also found", "by", "sure", "messages", "rejected", "evidence")
	d.row("---", "---", "--:", "--:", "--:", "---")
	for _, f := range s.others {
		place := ""
		if len(f.Evidence) > 0 {
			place = d.place(&f.Evidence[0])
		}
		d.row(markdown(f.Title), code(f.Detector), percent(f.Score), Commas(f.Counts.Messages), Commas(f.Counts.Rejected), place)
	}
	d.blank()
}

func (d *document) advice(all []analyze.Advice) {
	if len(all) == 0 {
		return
	}
	d.head(2, "What better logging would have shown")
	d.settings(all)
}

func (d *document) settings(all []analyze.Advice) {
	for _, a := range all {
		if lines := strings.Split(a.Setting, "\n"); len(lines) > 1 {
			d.line("- " + markdown(a.Why) + ":")
			d.fence("", lines...)
			continue
		}
		d.line("- " + markdown(a.Why) + ": " + code(a.Setting))
	}
}
