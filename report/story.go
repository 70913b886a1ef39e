package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// story is an incident as a person is told it, from the first sign to what to do now. Terminal, Markdown and HTML tell the
// same one, so that a sentence on a screen and in a file is the same sentence.
type story struct {
	*analyze.Incident
	number   int    // from 1, the gravest first
	sentence string // who did what, and when it began
	main     *analyze.Finding
	others   []*analyze.Finding // in order of time

	ways       []statement // how they got in
	happened   []entry     // in order of time
	clients    []analyze.ClientCount
	concerned  []statement // who else
	damage     []statement
	limits     []string // what about it cannot be known
	queued     []string // queue IDs over all findings, each once
	actions    []Action
	prevention []analyze.Advice
}

// statement is a sentence and the finding that says so; nil where it rests on the whole log.
type statement struct {
	Text    string
	Finding *analyze.Finding
}

// entry is a moment of a story. Findings of one story share their moments: what several say of one line stands together.
type entry struct {
	Time     mail.Instant
	Texts    []string
	Finding  string // ID of the finding that says the first text
	Evidence *analyze.Evidence
}

// tell makes stories of the incidents. Without incidents, as the command of one detector has them, every finding is one.
func tell(r *Report) []*story {
	incidents := r.Incidents
	if r.Command != investigateCommand {
		incidents = analyze.Incidents(r.Findings)
	}
	index := make(map[string]*analyze.Finding, len(r.Findings))
	for i := range r.Findings {
		index[r.Findings[i].ID] = &r.Findings[i]
	}
	var stories []*story
	for i := range incidents {
		s := &story{Incident: &incidents[i], number: i + 1}
		for _, id := range incidents[i].Findings {
			if f := index[id]; f != nil && s.main == nil {
				s.main = f
			} else if f != nil {
				s.others = append(s.others, f)
			}
		}
		if s.main == nil {
			continue
		}
		s.complete(r)
		stories = append(stories, s)
	}
	for _, s := range stories {
		s.concerned = append(s.concerned, alike(s, stories)...)
	}
	return stories
}

func (s *story) complete(r *Report) {
	s.sentence = sentence(s.main, r.Zone)
	s.happened = entries(s)
	s.clients = clientsOf(s.findings())
	s.queued = queuedOf(s.findings())
	s.ways = waysIn(r, s)
	s.concerned = concerned(s)
	s.damage = damage(r, s)
	s.limits = limits(r, s)
	s.actions = Actions(r, s.Incident)
	s.prevention = prevention(r, s)
}

// findings are all of the story, the main one first.
func (s *story) findings() []*analyze.Finding {
	return append([]*analyze.Finding{s.main}, s.others...)
}

// sentence is the title of a finding with its beginning.
func sentence(f *analyze.Finding, zone *time.Location) string {
	text := strings.TrimSuffix(f.Title, ".")
	if !strings.HasPrefix(text, f.Subject.Value) { // a login stays as it is
		text = capital(text)
	}
	if f.Start == 0 {
		return text
	}
	when := ", beginning on " + f.Start.In(zone).Format("Monday, 2 January 2006, at 15:04")
	if head, tail, ok := strings.Cut(text, ";"); ok {
		return head + when + ";" + tail
	}
	return text + when
}

// capital begins a sentence with a capital letter, unless it begins with an address or a name.
func capital(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s == "" || s[0] < 'a' || s[0] > 'z' || strings.ContainsAny(first, "@.:/0123456789") {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// entries joins the steps that tell of one line, and drops what is said twice of one second. The title, which stands above
// everything, is not repeated where it begins.
func entries(s *story) []entry {
	var all []entry
	for i := range s.Steps {
		step := &s.Steps[i]
		at := slices.IndexFunc(all, func(e entry) bool {
			return e.Time.Second() == step.Time.Second() && (sameLine(e.Evidence, step.Evidence) || slices.Contains(e.Texts, step.Text))
		})
		if at < 0 {
			at = len(all)
			all = append(all, entry{Time: step.Time, Finding: step.Finding})
		}
		e := &all[at]
		if text := s.stepText(step); text != "" && !slices.Contains(e.Texts, text) {
			if step.Finding == s.main.ID { // what the story is about comes first
				e.Texts, e.Finding = slices.Insert(e.Texts, 0, text), step.Finding
			} else {
				e.Texts = append(e.Texts, text)
			}
		}
		if e.Evidence == nil {
			e.Evidence = step.Evidence
		}
	}
	all = slices.DeleteFunc(all, func(e entry) bool { return len(e.Texts) == 0 })
	if rate := s.main.Rate; rate != nil && rate.PeakAt != 0 && !hasPeak(all, s.main.ID) {
		all = append(all, entry{rate.PeakAt, []string{fmt.Sprintf("the peak: %s in a minute", Commas(rate.PeakPerMinute))}, s.main.ID, nil})
	}
	slices.SortStableFunc(all, func(a, b entry) int { // of one second, what the story is about comes first
		return cmp.Or(cmp.Compare(a.Time.Second(), b.Time.Second()), -compareBool(a.Finding == s.main.ID, b.Finding == s.main.ID), cmp.Compare(a.Time, b.Time))
	})
	return all
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func hasPeak(all []entry, id string) bool {
	return slices.ContainsFunc(all, func(e entry) bool { return e.Finding == id && strings.HasPrefix(e.Texts[0], "the peak") })
}

// stepText is what a step says; "" where the main finding says it, too.
func (s *story) stepText(step *analyze.Step) string {
	if step.Finding == s.main.ID {
		if step.Text == s.main.Title {
			return "it begins: the first of " + firstOf(s.main)
		}
		return step.Text
	}
	i := slices.IndexFunc(s.others, func(f *analyze.Finding) bool { return f.ID == step.Finding })
	if i < 0 {
		return step.Text
	}
	f := s.others[i]
	sum := strings.HasPrefix(step.Text, "the last of ") || strings.HasPrefix(step.Text, "the peak: ")
	switch {
	case step.Text == f.Title && f.Subject == s.main.Subject && f.Start == s.main.Start:
		return ""
	case sum && f.Start >= s.main.Start && f.End <= s.main.End:
		return ""
	case sum:
		return f.Subject.Value + ": " + step.Text
	}
	return step.Text
}

func firstOf(f *analyze.Finding) string {
	switch c := &f.Counts; {
	case c.Messages > 0:
		return Counted(c.Messages, "message", "messages")
	case c.Rejected > 0:
		return Counted(c.Rejected, "refused attempt", "refused attempts")
	case c.FailedLogins > 0:
		return Counted(c.FailedLogins, "failed login", "failed logins")
	}
	return "it"
}

func sameLine(a, b *analyze.Evidence) bool { return a != nil && b != nil && a.Origin == b.Origin }

// fewEntries is at most n of the entries: those of the main finding and the very first and last ones before all others.
func fewEntries(all []entry, main string, n int) []entry {
	if len(all) <= n {
		return all
	}
	keep := make([]bool, len(all))
	left := n
	choose := func(i int) {
		if left > 0 && !keep[i] {
			keep[i], left = true, left-1
		}
	}
	choose(0)
	choose(len(all) - 1)
	for i := range all {
		if all[i].Finding == main {
			choose(i)
		}
	}
	for i := range all {
		choose(i)
	}
	var few []entry
	for i := range all {
		if keep[i] {
			few = append(few, all[i])
		}
	}
	return few
}

// clientsOf are the clients of several findings, each once, with the most that any of the findings counts for it: the same
// messages are in several findings.
func clientsOf(findings []*analyze.Finding) []analyze.ClientCount {
	var all []analyze.ClientCount
	index := make(map[netip.Addr]int)
	for _, f := range findings {
		for _, c := range f.Clients {
			at, known := index[c.IP.Unmap()]
			if !known {
				index[c.IP.Unmap()] = len(all)
				all = append(all, c)
				continue
			}
			joinClient(&all[at], &c)
		}
	}
	slices.SortStableFunc(all, func(a, b analyze.ClientCount) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Rejected, a.Rejected), cmp.Compare(b.Logins, a.Logins))
	})
	return all
}

func joinClient(to, c *analyze.ClientCount) {
	if c.Messages > to.Messages && !c.Lane.Empty() || to.Lane.Empty() {
		to.Lane = c.Lane
	}
	to.Messages, to.Rejected, to.Logins = max(to.Messages, c.Messages), max(to.Rejected, c.Rejected), max(to.Logins, c.Logins)
	if c.First != 0 && (to.First == 0 || c.First < to.First) {
		to.First = c.First
	}
	to.Last = max(to.Last, c.Last)
	to.Name, to.HELO, to.Country = cmp.Or(to.Name, c.Name), cmp.Or(to.HELO, c.HELO), cmp.Or(to.Country, c.Country)
	to.ASN = cmp.Or(to.ASN, c.ASN)
}

// queuedOf are the queue IDs of several findings, each once, those of the first finding first.
func queuedOf(findings []*analyze.Finding) []string {
	var all []string
	seen := make(map[string]bool)
	for _, f := range findings {
		for _, id := range f.QueueIDs {
			if !seen[id] {
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	return all
}

// waysIn says how it came about that this server sent or took the mail.
func waysIn(r *Report, s *story) []statement {
	var all, said []statement
	for _, f := range s.others {
		if f.Detector == "phish" || f.Detector == "guessing" {
			all = append(all, statement{capital(f.Title), f})
			said = append(said, facts(f, "answered", "succeeded")...)
		}
	}
	all = append(all, said...)
	switch kind := s.main.Subject.Kind; {
	case kind == analyze.Account:
		return withLogin(r, s, all)
	case s.main.Detector == "script" || kind == analyze.UID || kind == analyze.Script || kind == analyze.Directory:
		all = append(all, statement{"From inside: a program on this machine handed it in" + byWhom(s.main) + ". No login was needed. How the program " +
			"came there a mail log cannot tell: compare the web server's log of the days before", s.main})
	case s.main.Detector == "open-relay":
		all = append(all, statement{"Nobody logged in: the server took mail from strangers for strangers, because a rule of its own let them", s.main})
		for _, f := range s.main.Facts {
			if f.Name == "let in by" {
				all = append(all, statement{"Let in by " + f.Text, s.main})
			}
		}
	case s.main.Detector == "guessing":
		if s.main.Counts.Logins == 0 {
			all = append(all, statement{"They did not get in, as far as the logs tell: none of the attempts was followed by a login", s.main})
		}
	default:
		if text := fromOutside(r, s.main); text != "" {
			all = append(all, statement{text, s.main})
		}
	}
	return all
}

// facts are those of a finding that have one of the names.
func facts(f *analyze.Finding, names ...string) []statement {
	var all []statement
	for _, fact := range f.Facts {
		if slices.Contains(names, fact.Name) {
			all = append(all, statement{fact.Name + ": " + fact.Text, f})
		}
	}
	return all
}

// withLogin is the way in of an abused login.
func withLogin(r *Report, s *story, all []statement) []statement {
	found := len(all) > 0
	text := "With the login " + s.main.Subject.Value
	if n := len(s.main.Clients); n > 0 {
		text += ", from " + Counted(n, "address", "addresses")
		if c := &s.main.Clients[0]; c.IP.IsValid() && c.Messages > 0 {
			text += ", mostly " + strings.Join(clientWords(&c.Client)[:2], " ")
		}
	}
	all = append([]statement{{text, s.main}}, all...)
	if !found {
		how := "How its password was lost these logs do not tell"
		if looked := lookedFor(r, "phish", "guessing"); looked != "" {
			how += ": looked for " + looked + ", and found none that belongs to it"
		}
		all = append(all, statement{how, nil})
	}
	return all
}

// lookedFor joins those of the detectors' names that were at work.
func lookedFor(r *Report, names ...string) string {
	var looked []string
	for _, d := range r.Detectors {
		if slices.Contains(names, d.Name) {
			looked = append(looked, d.Name)
		}
	}
	return strings.Join(looked, " and ")
}

func byWhom(f *analyze.Finding) string {
	text := ""
	if f.Subject.Kind == analyze.UID {
		text += " as the local user " + f.Subject.Value
	}
	if len(f.Scripts) > 0 {
		text += ": " + countsText(f.Scripts, 3, len(f.Scripts))
	}
	return text
}

// forUs reports whether all recipients of a finding are ours.
func forUs(r *Report, f *analyze.Finding) bool {
	if len(f.RecipientDomains) == 0 || r.Site == nil {
		return false
	}
	for _, d := range f.RecipientDomains {
		if !r.Site.IsOurs(d.Value) {
			return false
		}
	}
	return true
}

// fromOutside is the way in of mail that came as all mail does.
func fromOutside(r *Report, f *analyze.Finding) string {
	if len(f.Clients) == 0 || !forUs(r, f) {
		return ""
	}
	text := "They did not break in: the mail came from outside, without a login, for recipients of " +
		countsText(f.RecipientDomains, 3, max(f.Counts.RecipientDomains, len(f.RecipientDomains)))
	for _, h := range f.Hosts {
		if r.Site.IsSecondary(h) {
			text += ", by the secondary MX " + h
			break
		}
	}
	return text
}

// concerned says who else has to do with the story.
func concerned(s *story) []statement {
	var all []statement
	for _, f := range s.findings() {
		if f.Subject.Kind == analyze.Account && f != s.main && f.Subject.Value != s.main.Subject.Value {
			all = append(all, statement{"the account " + f.Subject.Value + ": " + f.Title, f})
		}
	}
	if answered := answeredBy(s.findings()); len(answered) > 0 {
		all = append(all, statement{Counted(len(answered), "local user", "local users") + " who may have answered the phish: " +
			some(answered, 20, len(answered)), nil})
	}
	others := slices.DeleteFunc(slices.Clone(s.Accounts), func(a string) bool {
		return a == s.main.Subject.Value || slices.ContainsFunc(all, func(st statement) bool { return strings.Contains(st.Text, a) })
	})
	if len(others) > 0 {
		all = append(all, statement{"logins that its findings name: " + some(others, 20, len(others)), nil})
	}
	if originals := originalsOf(s); len(originals) > 0 {
		all = append(all, statement{Counted(len(originals), "known address", "known addresses") + " of ours, which the sender holds in a damaged list: " +
			some(originals, 10, len(originals)), nil})
	}
	return all
}

// answeredBy are the users of ours who may have answered a phish.
func answeredBy(findings []*analyze.Finding) []string {
	var all []string
	for _, f := range findings {
		if f.Detector == "phish" {
			all = append(all, f.Accounts...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// originalsOf are the addresses of ours of which damaged forms were written to.
func originalsOf(s *story) []string {
	var all []string
	for _, f := range s.findings() {
		for i := range f.Mangled {
			if o := f.Mangled[i].Original; o != "" && !slices.Contains(all, o) {
				all = append(all, o)
			}
		}
	}
	slices.Sort(all)
	return all
}

// alike names the other stories that share a client's network, or a subject line that is not everybody's.
func alike(s *story, stories []*story) []statement {
	const most = 10
	var all []statement
	for _, o := range stories {
		if o == s || len(all) == most {
			continue
		}
		if what := shared(s, o); what != "" {
			all = append(all, statement{fmt.Sprintf("incident %d has %s: %s", o.number, what, o.Title), o.main})
		}
	}
	return all
}

func shared(a, b *story) string {
	networks := make(map[netip.Prefix]bool)
	for i := range a.clients[:min(len(a.clients), 1000)] {
		if ip := a.clients[i].IP; ip.IsValid() {
			networks[analyze.NetworkOf(ip)] = true
		}
	}
	for i := range b.clients[:min(len(b.clients), 1000)] {
		if ip := b.clients[i].IP; ip.IsValid() && networks[analyze.NetworkOf(ip)] {
			return "clients of the same network, " + analyze.NetworkOf(ip).String()
		}
	}
	for _, x := range a.main.Subjects[:min(len(a.main.Subjects), 3)] {
		for _, y := range b.main.Subjects[:min(len(b.main.Subjects), 3)] {
			if x.Value == y.Value && utf8.RuneCountInString(x.Value) > 3 {
				return `the same subject "` + x.Value + `"`
			}
		}
	}
	return ""
}

// damage says what it did to the server's standing.
func damage(r *Report, s *story) []statement {
	var all []statement
	for _, f := range s.others {
		if f.Detector == "reputation" || f.Detector == "backscatter" {
			all = append(all, statement{capital(f.Title), f})
			all = append(all, facts(f, "who says so", "lists to ask for removal", "ended")...)
		}
	}
	c := &s.main.Counts
	if forUs(r, s.main) {
		if c.Delivered > 0 {
			all = append(all, statement{fmt.Sprintf("%s of %s had it delivered", Commas(c.Delivered), Counted(c.Recipients, "recipient here", "recipients here")), s.main})
		}
		return all
	}
	if c.Bounced+c.Deferred+c.Expired > 0 && c.Recipients > 0 {
		bad := c.Bounced + c.Deferred + c.Expired
		all = append(all, statement{fmt.Sprintf("%s of %s (%s) did not take it: %s bounced, %s deferred, %s expired", Commas(bad),
			Counted(c.Recipients, "recipient", "recipients"), percent(float64(bad)/float64(c.Recipients)), Commas(c.Bounced), Commas(c.Deferred), Commas(c.Expired)), s.main})
	}
	if text := refusals(r, s); text != "" {
		all = append(all, statement{text, nil})
	}
	return all
}

// refusals compares what other hosts refused of all our mail during the story with the rest of the log.
func refusals(r *Report, s *story) string {
	f := s.main
	if r.Course == nil || f.End <= f.Start {
		return ""
	}
	start, end := r.Window()
	width := r.Course.Width()
	during, beside := 0, 0
	for _, span := range r.Course.Spans() {
		if span.Start.Add(width) > f.Start && span.Start <= f.End {
			during += span.Refused
		} else {
			beside += span.Refused
		}
	}
	lasted := max(f.End.Sub(f.Start), time.Minute)
	rest := end.Sub(start) - lasted
	if during < 10 || rest < time.Hour {
		return ""
	}
	return fmt.Sprintf("other hosts refused or put off %s while it lasted (%s an hour), and %s in the rest of the log (%s an hour)",
		Counted(during, "recipient", "recipients"), per(float64(during)/lasted.Hours()), Commas(beside), per(float64(beside)/rest.Hours()))
}

// near is how close to an end of the log a story makes it likely that there is more beyond it.
const near = 10 * time.Minute

// limits says what of the story lies beyond the log.
func limits(r *Report, s *story) []string {
	var all []string
	start, end := r.Window()
	if s.Start != 0 && s.Start.Sub(start) < near {
		all = append(all, "The log begins "+span(max(s.Start.Sub(start), time.Second))+" before the first sign: it may have begun earlier, in a log that was not given")
	}
	if last := s.main.End; last != 0 && end.Sub(last) < near {
		all = append(all, "The last of it is "+span(max(end.Sub(last), time.Second))+" before the end of the log: it may still be going on")
	}
	for _, g := range r.Gaps {
		if g.From < s.End && g.To > s.Start && (len(s.main.Hosts) == 0 || slices.Contains(s.main.Hosts, g.Host)) {
			all = append(all, cmp.Or(g.Host, "the log")+" logged nothing "+from(g.From, g.To, r.Zone)+", while it lasted")
		}
	}
	return all
}

// coverageTexts say what the report does not speak about.
func coverageTexts(r *Report) []string {
	var all []string
	start, end := r.Window()
	all = append(all, "What lies before "+start.In(r.Zone).Format(dayLayout)+" and after "+end.In(r.Zone).Format(dayLayout)+" is not known.")
	for i, g := range r.Gaps {
		if i == 5 {
			break
		}
		all = append(all, cmp.Or(g.Host, "One host")+" logged nothing "+from(g.From, g.To, r.Zone)+".")
	}
	if more := r.QuietSpans - min(5, len(r.Gaps)); more > 0 {
		all = append(all, Counted(more, "shorter gap", "shorter gaps")+" of an hour or more.")
	}
	return append(all, troubles(r)...)
}

// notFoundTitles is what was looked for in vain, for a person.
func notFoundTitles(r *Report) []string {
	names := notFound(r)
	var titles []string
	for _, d := range r.Detectors {
		if slices.Contains(names, d.Name) {
			titles = append(titles, d.Title+" ("+d.Name+")")
		}
	}
	return titles
}

// shortNames are the names of the inputs without the folders that all of them share, and by which they can still be told apart.
func shortNames(files []string) []string {
	short := slices.Clone(files)
	for i, name := range files {
		at := strings.LastIndexByte(name, '/')
		for at > 0 && slices.ContainsFunc(files, func(other string) bool { return other != name && strings.HasSuffix(other, name[at:]) }) {
			at = strings.LastIndexByte(name[:at], '/')
		}
		short[i] = name[at+1:]
	}
	return short
}
