package report

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// webStory is an incident on the page.
type webStory struct {
	ID       string
	Number   int
	Severity string
	Sure     string
	Sentence string
	About    string
	Key      []webKey
	Actions  []Action
	Pulse    *chart // mail over time around it
	Happened []webEntry
	More     string // moments that were left out
	Ways     []webStatement
	Lanes    *chart
	Who      *grid
	Accounts []string
	Scripts  *grid
	Sign     string
	Fate     *chart
	Domains  *chart
	Senders  *grid
	Subjects *grid
	Mangled  *grid
	Facts    []analyze.Fact
	Queued   []string
	Concern  []webStatement
	Damage   []webStatement
	Refusals *chart
	Reasons  []analyze.Reason
	Findings []webFinding
	Left     string
	Limits   []string
	Prevent  []analyze.Advice
}

// webKey is a line of the summary.
type webKey struct {
	Label, Text string
	Link        string // where it is shown to be true
}

type webStatement struct{ Text, Link, By string }

type webEntry struct {
	Time, Clock, Day string
	Texts            []string
	Line             *webLine
}

// webLine is a line of a log.
type webLine struct{ Place, Text, Role, ID, Time string }

// webFinding is a finding with its proof.
type webFinding struct {
	ID, Detector, Severity, Sure, Title, When, Much string
	Reasons                                         []analyze.Reason
	Facts                                           []analyze.Fact // of the main finding they stand above
	Lines                                           []webLine
	Trace                                           string
	Main                                            bool
}

// webRoom is how much of each a story shows; the JSON has all. With these a page stays under 2 MB whatever was found.
type webRoom struct{ entries, clients, findings, values int }

func roomOf(s *story) webRoom {
	if s.number <= webAtLength {
		return webRoom{entries: 300, clients: 1000, findings: 80, values: 100}
	}
	return webRoom{entries: 30, clients: 50, findings: 5, values: 10}
}

func (b *webBuilder) story(s *story) *webStory {
	f := s.main
	id := "i" + strconv.Itoa(s.number)
	w := &webStory{
		ID: id, Number: s.number, Severity: s.Severity.String(), Sure: percent(f.Score), Sentence: s.sentence, About: f.Detector + ", " + f.Subject.Value,
		Accounts: f.Accounts, Sign: f.Signature.In(b.r.Zone), Facts: f.Facts, Queued: queuedNames(s.queued), Reasons: f.Reasons,
		Limits: s.limits, Prevent: s.prevention,
	}
	w.Actions = slices.Clone(s.actions)
	for i := range w.Actions {
		w.Actions[i].Why = capital(w.Actions[i].Why)
	}
	w.Key = b.key(s, id)
	b.happened(w, s)
	w.Ways, w.Concern, w.Damage = b.statements(s.ways), b.statements(s.affected), b.statements(s.damage)
	marks := []mark{{f.Start, f.End, "incident " + strconv.Itoa(s.number)}}
	pad := max(f.End.Sub(f.Start)/4, 10*time.Minute)
	start, end := b.r.Window()
	room := roomOf(s)
	if s.number <= webAtLength {
		w.Pulse = mailChart(b.r, id+"-pulse", "All mail of the server around it", max(start, f.Start.Add(-pad)), min(end, f.End.Add(pad)), marks)
	}
	w.Lanes = laneChart(b.r, id+"-lanes", s)
	w.Who = b.clients(s)
	if len(f.Scripts) > 0 {
		w.Scripts = countGrid("Scripts and directories", "script", f.Scripts, f.Counts.Messages, len(f.Scripts))
	}
	w.Fate = fateChart(id+"-fate", &f.Counts)
	w.Domains = shareChart(id+"-domains", "To which domains", "recipient domain", f.RecipientDomains, max(f.Counts.Recipients, f.Counts.Rejected), max(f.Counts.RecipientDomains, len(f.RecipientDomains)))
	if w.Domains == nil && len(f.RecipientDomains) == 1 {
		w.Facts = append([]analyze.Fact{{Name: "recipient domain", Text: f.RecipientDomains[0].Value}}, w.Facts...)
	}
	switch n := max(f.Counts.Senders, len(f.Senders)); {
	case n > 0 && len(f.Senders) == 0: // counted without their names
		w.Facts = append([]analyze.Fact{{Name: "senders", Text: Commas(n)}}, w.Facts...)
	case n > 0:
		w.Senders = countGrid(capital(sendersCounted(f, n)), "sender", f.Senders[:min(len(f.Senders), room.values)], f.Counts.Messages, n)
	}
	if len(f.Subjects) > 0 {
		w.Subjects = countGrid("Subjects", "subject", f.Subjects[:min(len(f.Subjects), room.values)], f.Counts.Messages, len(f.Subjects))
	}
	w.Mangled = b.mangled(s)
	if !forUs(b.r, f) && f.Counts.Recipients > 0 && s.number <= webAtLength {
		w.Refusals = refusalChart(b.r, id+"-refusals", start, end, marks)
	}
	b.findings(w, s)
	return w
}

// key is the answer in a few lines.
func (b *webBuilder) key(s *story, id string) []webKey {
	f := s.main
	proof := b.ids[f.ID]
	keys := []webKey{{"when", when(b.r, f, onHosts(f.Hosts)), id + "-happened"}, {"how much", howMuch(f), id + "-out"}}
	if fast := howFast(f, b.r.Zone); fast != "" {
		keys = append(keys, webKey{"how fast", fast, proof})
	}
	if len(s.ways) > 0 {
		keys = append(keys, webKey{"how they got in", s.ways[0].Text, id + "-way"})
	}
	keys = append(keys, webKey{"who", whoText(s), id + "-who"})
	if queued := queuedText(s.findings()); queued != "" {
		keys = append(keys, webKey{"still queued", queued + ", as far as the log shows", id + "-now"})
	}
	return append(keys, webKey{"how sure", percent(f.Score) + ", " + f.Detector, id + "-why"})
}

// whoText names whom a story is about and the first of the clients.
func whoText(s *story) string {
	subject := s.main.Subject
	who := capital(strings.ReplaceAll(string(subject.Kind), "-", " ")) + " " + subject.Value
	if subject.Kind == analyze.IP && len(s.clients) == 1 {
		return strings.Join(clientWords(&s.clients[0].Client), ", ")
	}
	if len(s.clients) == 0 {
		return who
	}
	var ips []string
	for i := range s.clients[:min(len(s.clients), 4)] {
		if ip := s.clients[i].IP; ip.IsValid() {
			ips = append(ips, ip.Unmap().String())
		}
	}
	if subject.Kind == analyze.CampaignKind {
		who = capital(subject.Value)
	}
	return who + "; " + Counted(len(s.clients), "client address", "client addresses") + ": " + some(ips, 4, len(s.clients))
}

func (b *webBuilder) happened(w *webStory, s *story) {
	few := fewEntries(s.happened, s.main.ID, roomOf(s).entries)
	for i := range few {
		e := &few[i]
		at := e.Time.In(b.r.Zone)
		w.Happened = append(w.Happened, webEntry{Time: at.Format(time.RFC3339), Clock: at.Format(clockLayout), Day: at.Format("Monday, 2 January 2006"),
			Texts: e.Texts, Line: b.line(e.Evidence, "")})
	}
	for i := len(w.Happened) - 1; i > 0; i-- { // a day stands once
		if w.Happened[i].Day == w.Happened[i-1].Day {
			w.Happened[i].Day = ""
		}
	}
	if more := len(s.happened) - len(few); more > 0 {
		w.More = "and " + Counted(more, "more moment", "more moments") + ", in --format json"
	}
}

func (b *webBuilder) line(e *analyze.Evidence, id string) *webLine {
	if e == nil || int(e.File) >= len(b.files) || e.Line == 0 {
		return nil
	}
	text := e.Text
	if len(text) > webLineMost {
		text = strings.ToValidUTF8(text[:webLineMost], "") + "…"
	}
	role := e.Role
	if id == "" { // what it is stands beside it
		role = ""
	}
	return &webLine{Place: b.files[e.File] + ":" + strconv.FormatInt(e.Line, 10), Text: Visible(text), Role: role, ID: id, Time: e.Time.In(b.r.Zone).Format(time.RFC3339)}
}

func (b *webBuilder) statements(all []statement) []webStatement {
	var out []webStatement
	for _, st := range all {
		w := webStatement{Text: capital(st.Text)}
		if st.Finding != nil {
			w.Link, w.By = b.ids[st.Finding.ID], st.Finding.Detector
		}
		out = append(out, w)
	}
	return out
}

func (b *webBuilder) clients(s *story) *grid {
	if len(s.clients) == 0 {
		return nil
	}
	g := &grid{Caption: "Clients of the incident", Heads: heads("client", "network", "country", "AS", "name (rDNS)", "HELO", "#messages", "#rejected", "#logins", "#failed logins", "at work")}
	most := roomOf(s).clients
	for i := range s.clients[:min(len(s.clients), most)] {
		c := &s.clients[i]
		row := []gridCell{{Code: true, Tight: true}, {Code: true, Tight: true}, plain(c.Country), {}, codeCell(knownName(c.Name)), codeCell(c.HELO),
			number(c.Messages), number(c.Rejected), number(c.Logins), number(c.FailedLogins), plain(b.stretch(c.First, c.Last))}
		if c.HELO != "" && c.HELO == c.Name {
			row[5] = plain("its name")
		}
		if c.IP.IsValid() {
			row[0].Text, row[1].Text = c.IP.Unmap().String(), analyze.NetworkOf(c.IP).String()
		}
		if c.ASN != 0 {
			row[3].Text = "AS" + strconv.FormatUint(uint64(c.ASN), 10)
		}
		g.Rows = append(g.Rows, row)
	}
	if more := len(s.clients) - most; more > 0 {
		g.More = "and " + Commas(more) + " more, in --format json"
	}
	return g.compact()
}

func knownName(name string) string {
	if name == "unknown" {
		return ""
	}
	return name
}

// stretch is a span of time for a table that is wide already.
func (b *webBuilder) stretch(first, last mail.Instant) string {
	if first == 0 {
		return ""
	}
	from, to := first.In(b.r.Zone), last.In(b.r.Zone)
	text := from.Format("2 Jan 15:04:05")
	switch {
	case first.Second() >= last.Second():
		return text
	case from.YearDay() == to.YearDay():
		return text + " to " + to.Format("15:04:05")
	}
	return text + " to " + to.Format("2 Jan 15:04:05")
}

func (b *webBuilder) mangled(s *story) *grid {
	g := &grid{Caption: "Damaged recipients", Heads: heads("recipient as tried", "known address", "kind", "#messages")}
	seen := make(map[string]bool)
	for _, f := range s.findings() {
		for i := range f.Mangled {
			m := &f.Mangled[i]
			if seen[m.Recipient] || len(g.Rows) == roomOf(s).clients {
				continue
			}
			seen[m.Recipient] = true
			g.Rows = append(g.Rows, []gridCell{codeCell(m.Recipient), codeCell(m.Original), plain(m.Kind), number(m.Messages)})
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return g.compact()
}

// findings are the proofs: the main finding's lines and argument, and those of the others.
func (b *webBuilder) findings(w *webStory, s *story) {
	all, most := s.findings(), roomOf(s).findings
	for i, f := range all[:min(len(all), most)] {
		id := b.ids[f.ID]
		out := webFinding{ID: id, Detector: f.Detector, Severity: f.Severity.String(), Sure: percent(f.Score), Title: capital(f.Title),
			When: from(f.Start, f.End, b.r.Zone), Much: howMuch(f), Reasons: f.Reasons, Trace: traceCommand(f, b.r), Main: i == 0}
		if i > 0 {
			out.Facts = f.Facts
		}
		for j := range f.Evidence {
			if l := b.line(&f.Evidence[j], id+"-"+strconv.Itoa(j+1)); l != nil {
				out.Lines = append(out.Lines, *l)
			}
		}
		w.Findings = append(w.Findings, out)
	}
	if more := len(all) - most; more > 0 {
		w.Left = "and " + Counted(more, "more finding", "more findings") + ", in --format json"
	}
}
