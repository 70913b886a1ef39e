package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

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
	affected   []statement // who else
	damage     []statement
	limits     []string // what the logs cannot show of it
	queued     []queued // queue IDs over all findings, each once
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
	own      int    // how many texts are of what the story is about
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
		s.affected = append(s.affected, alike(s, stories)...)
	}
	return stories
}

func (s *story) complete(r *Report) {
	s.sentence = sentence(s.main, r.Zone) + strings.TrimPrefix(s.Title, s.main.Title) + earlier(s, r.Zone)
	s.happened = entries(s)
	s.clients = clientsOf(slices.DeleteFunc(s.findings(), func(f *analyze.Finding) bool { return f != s.main && f.IsEffect() }))
	s.queued = queuedOf(s.findings())
	s.ways = waysIn(r, s)
	s.affected = affected(s)
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

// earlier tells when the first of those of whom the same is told began, where that was before what heads the story: the one
// with most messages need not be the one with whom it began.
func earlier(s *story, zone *time.Location) string {
	if s.Title == s.main.Title {
		return ""
	}
	first := s.main
	for _, f := range s.others {
		if f.Likewise(s.main) && f.Start != 0 && f.Start < first.Start {
			first = f
		}
	}
	if s.main.Start.Sub(first.Start) < time.Minute {
		return ""
	}
	form, began := "at 15:04", first.Start.In(zone)
	if began.Format(time.DateOnly) != s.main.Start.In(zone).Format(time.DateOnly) {
		form = "on Monday, 2 January, " + form
	}
	return "; it began with " + first.Subject.Value + ", " + began.Format(form)
}

// capital begins a sentence with a capital letter, unless it begins with an address or a name.
func capital(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if s == "" || s[0] < 'a' || s[0] > 'z' || strings.ContainsAny(first, "@.:/0123456789") {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
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
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Rejected, a.Rejected), cmp.Compare(b.Logins, a.Logins), cmp.Compare(b.FailedLogins, a.FailedLogins))
	})
	return all
}

func joinClient(to, c *analyze.ClientCount) {
	if c.Messages > to.Messages && !c.Lane.Empty() || to.Lane.Empty() {
		to.Lane = c.Lane
	}
	to.Messages, to.Rejected, to.Logins = max(to.Messages, c.Messages), max(to.Rejected, c.Rejected), max(to.Logins, c.Logins)
	to.FailedLogins = max(to.FailedLogins, c.FailedLogins)
	if c.First != 0 && (to.First == 0 || c.First < to.First) {
		to.First = c.First
	}
	to.Last = max(to.Last, c.Last)
	to.Name, to.HELO, to.Country = cmp.Or(to.Name, c.Name), cmp.Or(to.HELO, c.HELO), cmp.Or(to.Country, c.Country)
	to.ASN = cmp.Or(to.ASN, c.ASN)
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
