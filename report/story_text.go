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
)

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
	stolen, strangers := ", most likely with a stolen password", "from strangers for strangers"
	intruder := ". How the program got there, a mail log cannot show: compare the web server's log of the days before"
	if s.main.Severity <= analyze.Low { // it may well be honest: nobody is accused
		stolen, strangers, intruder = "", "from outside for outside", ""
	}
	switch kind := s.main.Subject.Kind; {
	case kind == analyze.Account:
		return withLogin(r, s, all)
	case kind == analyze.Directory && analyze.IsWebmail(s.main.Subject.Value):
		all = append(all, statement{"Through the webmail in " + s.main.Subject.Value + ", where somebody logged in" + stolen + ": the " +
			"mail server saw no login, but the webmail's own log names it", s.main})
	case s.main.Detector == "script" || kind == analyze.UID || kind == analyze.Script || kind == analyze.Directory:
		all = append(all, statement{"From inside: a program on this machine handed it in" + byWhom(s.main) + ". No login was needed" + intruder, s.main})
	case s.main.Detector == "open-relay":
		all = append(all, statement{"Nobody logged in: the server accepted mail " + strangers + ", because one of its own rules allows it", s.main})
		for _, f := range s.main.Facts {
			if f.Name == "let in by" {
				all = append(all, statement{"Let in by " + f.Text, s.main})
			}
		}
	case s.main.Detector == "guessing":
		if s.main.Counts.Logins == 0 {
			all = append(all, statement{"They did not get in, as far as the logs show: none of the attempts was followed by a login", s.main})
		} else {
			all = slices.Insert(all, 0, statement{"By guessing: of " + Counted(s.main.Counts.FailedLogins+s.main.Counts.Logins, "login", "logins") + " tried, " +
				Commas(s.main.Counts.Logins) + " succeeded", s.main})
		}
	case isLoopback(s.main):
		all = append(all, statement{"From inside: a program on this machine handed it in by SMTP, without a login, as it is allowed to. Which one, a mail " +
			"log cannot show: see what runs as the web server's users, and the web server's log of that time", s.main})
	default:
		if text := fromOutside(r, s.main); text != "" {
			all = append(all, statement{text, s.main})
		}
	}
	return all
}

// isLoopback reports whether all clients of a finding are this machine itself.
func isLoopback(f *analyze.Finding) bool {
	return len(f.Clients) > 0 && !slices.ContainsFunc(f.Clients, func(c analyze.ClientCount) bool { return !c.IP.Unmap().IsLoopback() })
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
		c := &s.main.Clients[0]
		words := strings.Join(clientWords(&c.Client)[:2], " ")
		switch {
		case !c.IP.IsValid():
		case n == 1:
			text = strings.TrimSuffix(text, "1 address") + words
		case 2*c.Messages > s.main.Counts.Messages:
			text += ", mostly " + words
		}
	}
	all = append([]statement{{text, s.main}}, all...)
	if !found && s.main.Severity > analyze.Low { // below it nobody says that it was lost
		const mistyped = 4 // times, by the owner
		if failed := facts(s.main, "failed before"); len(failed) > 0 && s.main.Counts.FailedLogins > mistyped {
			return append(all, statement{"Its password may have been guessed: " + strings.TrimPrefix(failed[0].Text, "failed before: "), s.main})
		}
		how := "These logs do not show how its password was stolen"
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

// forOthers reports whether most messages of a finding that were taken were for recipients elsewhere.
func forOthers(r *Report, f *analyze.Finding) bool {
	ours, all := 0, 0
	for _, d := range f.RecipientDomains {
		all += d.Messages
		if r.Site != nil && r.Site.IsOurs(d.Value) {
			ours += d.Messages
		}
	}
	return f.Counts.Messages > 0 && r.Site != nil && 2*ours < all
}

// fewDomains is to how many domains elsewhere a secondary MX or a gateway, whose log alone is given, may look like a relay: strangers
// who use a relay write to many.
const fewDomains = 2

// fromOutside is the way in of mail that came as all mail does.
func fromOutside(r *Report, f *analyze.Finding) string {
	if len(f.Clients) > 0 && len(f.Accounts) == 0 && forOthers(r, f) {
		clients := Counted(len(f.Clients), "client", "clients")
		if n := max(f.Counts.RecipientDomains, len(f.RecipientDomains)); n <= fewDomains {
			return "Without a login: the server accepted mail for " + countsText(f.RecipientDomains, fewDomains, n) + " from " + clients +
				" and passed it on. That is right for a secondary MX or a gateway (--local-domain names the domain as one of ours);" +
				" else one of its own rules lets them relay (mynetworks, +relay_from_hosts, an access list)"
		}
		return "Without a login: the server accepted mail for recipients elsewhere from " + clients +
			", as one of its own rules allows (mynetworks, +relay_from_hosts, an access list)"
	}
	if len(f.Clients) == 0 || !forUs(r, f) {
		return ""
	}
	text := "They did not break in: the mail came from outside, without a login, for recipients of " +
		countsText(f.RecipientDomains, 3, max(f.Counts.RecipientDomains, len(f.RecipientDomains)))
	for _, h := range f.Hosts {
		if r.Site.IsSecondary(h) {
			text += ", through the secondary MX " + h
			break
		}
	}
	return text
}

// affected says who else has to do with the story.
func affected(s *story) []statement {
	var all []statement
	told := map[string]bool{s.main.Subject.Value: true} // a burst of an account that is told says nothing more
	for _, f := range s.findings() {
		if f.Subject.Kind == analyze.Account && !told[f.Subject.Value] {
			told[f.Subject.Value] = true
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
		all = append(all, statement{Counted(len(originals), "known address", "known addresses") + " of ours that are damaged in the sender's list: " +
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
	networks := make(map[netip.Prefix]bool)
	for i := range s.clients[:min(len(s.clients), 1000)] {
		if ip := s.clients[i].IP; ip.IsValid() {
			networks[analyze.NetworkOf(ip)] = true
		}
	}
	var all []statement
	for _, o := range stories {
		if o == s || len(all) == most {
			continue
		}
		if what := shared(s, o, networks); what != "" {
			all = append(all, statement{fmt.Sprintf("incident %d has %s: %s", o.number, what, o.Title), o.main})
		}
	}
	return all
}

// shared is what two stories have in common; networks are those of the clients of a.
func shared(a, b *story, networks map[netip.Prefix]bool) string {
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
		all = append(all, statement{fmt.Sprintf("%s of %s (%s) did not get it: %s", Commas(bad), Counted(c.Recipients, "recipient", "recipients"),
			percent(float64(bad)/float64(c.Recipients)), fates(&analyze.Counts{Bounced: c.Bounced, Deferred: c.Deferred, Expired: c.Expired})), s.main})
	}
	if text := refusals(r, s); text != "" {
		all = append(all, statement{text, nil})
	}
	return all
}

// refusals compares what other hosts refused of all our mail during the story with the rest of the log, if most of the former was of the story, and
// most of what the story lost is in it: else it is another's damage, or was refused later, when it was tried again.
func refusals(r *Report, s *story) string {
	f := s.main
	if r.Course == nil || f.End <= f.Start {
		return ""
	}
	start, end := r.Window()
	during, beside := r.Course.Refused(f.Start, f.End)
	lasted := max(f.End.Sub(f.Start), time.Minute)
	rest := end.Sub(start) - lasted
	own := f.Counts.Bounced + f.Counts.Deferred + f.Counts.Expired
	if during < 10 || rest < time.Hour || 2*during < own || 2*own < during {
		return ""
	}
	return fmt.Sprintf("other hosts refused or deferred %s while it lasted (%s), and %s in the rest of the log (%s)",
		Counted(during, "recipient", "recipients"), hourly(during, lasted), Commas(beside), hourly(beside, rest))
}

// hourly is a number as a rate: in an hour, or in a day if they are few.
func hourly(n int, in time.Duration) string {
	if x := float64(n) / in.Hours(); x >= 0.1 || n == 0 {
		return per(x) + " an hour"
	}
	return per(24*float64(n)/in.Hours()) + " a day"
}

// near is how close to an end of the log a story makes it likely that there is more beyond it.
const near = 10 * time.Minute

// limits says what of the story lies beyond the log.
func limits(r *Report, s *story) []string {
	var all []string
	start, _ := r.Window()
	if s.Start != 0 && s.Start.Sub(start) < near {
		all = append(all, "The log begins "+span(max(s.Start.Sub(start), time.Second))+" before the first sign: it may have begun earlier, in a log that was not given")
	}
	if last, end := s.main.End, logEnd(r, s.main.Hosts); last != 0 && end.Sub(last) < near {
		all = append(all, "The last of it is "+span(max(end.Sub(last), time.Second))+" before the end of the log: it may still be going on")
	}
	for _, g := range r.Gaps {
		if g.From < s.main.End && g.To > s.main.Start && (len(s.main.Hosts) == 0 || slices.Contains(s.main.Hosts, g.Host)) {
			all = append(all, cmp.Or(g.Host, "the log")+" logged nothing "+from(g.From, g.To, r.Zone)+", while it lasted")
		}
	}
	return all
}

// coverageTexts say what the report does not speak about.
func coverageTexts(r *Report) []string {
	var all []string
	start, end := r.Window()
	if start == 0 {
		all = append(all, capital(covered(r))+".")
	} else {
		all = append(all, "What happened before "+start.In(r.Zone).Format(dayLayout)+" and after "+end.In(r.Zone).Format(dayLayout)+" is not known.")
	}
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
