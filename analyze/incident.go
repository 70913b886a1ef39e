package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mailforensics/mail"
)

// Incident is findings that tell one story: the phish, the guesses, the account, the burst and the blocklist that followed.
type Incident struct {
	ID       string // incident/ and the ID of the main finding
	Title    string // of the main finding, and who else did the like
	Severity Severity
	Score    float64
	Start    mail.Instant // of the earliest and the latest finding in it
	End      mail.Instant
	Findings []string // IDs, the main finding first, the others in order of time
	Accounts []string // all of the findings
	Clients  int      // distinct ones over the findings that are no mere effect
	Messages int      // of the main finding
	Steps    []Step   // in order of time
}

// Step is an entry of an incident's timeline.
type Step struct {
	Time     mail.Instant
	Text     string
	Finding  string    // ID of the finding that says so
	Evidence *Evidence // the line that proves it; nil where the step is a sum of many
}

// precedence is which detector explains most: the cause before its marks, the marks before what followed.
var precedence = [...]string{
	"account", "script", "open-relay", "campaign", "burst", "mangled", "secondary-mx", "guessing", "phish", "reputation", "backscatter",
}

func rankOf(detector string) int {
	if i := slices.Index(precedence[:], detector); i >= 0 {
		return i
	}
	return len(precedence)
}

// rank is how much a finding explains. That users answered a phish explains more than that it was many messages.
func (f *Finding) rank() int {
	if f.Detector == phishName && len(f.Accounts) > 0 {
		return rankOf("burst")*2 - 1
	}
	return rankOf(f.Detector) * 2
}

// isEffect reports whether a detector finds what followed for a whole host, whoever caused it.
func isEffect(detector string) bool { return detector == "reputation" || detector == "backscatter" }

// IsEffect reports whether f is about what followed for a whole host. The clients that it names had a part in that, and need
// none in the story that it is told in.
func (f *Finding) IsEffect() bool { return isEffect(f.Detector) }

// Incidents joins findings that are related, the gravest incident first. Every finding is in exactly one. What followed for a
// whole host belongs to the gravest of its causes, and makes no one story of them.
func Incidents(findings []Finding) []Incident {
	index := make(map[string]int, len(findings))
	for i := range findings {
		index[findings[i].ID] = i
	}
	sets := newSets(len(findings))
	causes := make(map[int]int) // of an effect: the gravest
	for i := range findings {
		for _, id := range findings[i].Related {
			j, ok := index[id]
			if !ok {
				continue
			}
			effect, cause := i, j
			if !isEffect(findings[i].Detector) {
				effect, cause = j, i
			}
			if isEffect(findings[effect].Detector) == isEffect(findings[cause].Detector) {
				sets.join(i, j)
			} else if best, found := causes[effect]; !found || compareCauses(&findings[cause], &findings[best]) < 0 {
				causes[effect] = cause
			}
		}
	}
	joinEffects(sets, causes, findings)
	groups := make(map[int][]*Finding)
	for i := range findings {
		root := sets.find(i)
		groups[root] = append(groups[root], &findings[i])
	}
	incidents := make([]Incident, 0, len(groups))
	for _, group := range groups {
		incidents = append(incidents, newIncident(group))
	}
	slices.SortFunc(incidents, func(a, b Incident) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Score, a.Score),
			cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID))
	})
	return incidents
}

// joinEffects joins each group of effects with the gravest of their causes.
func joinEffects(sets sets, causes map[int]int, findings []Finding) {
	of := make(map[int]int) // root of a group: its cause
	for effect, cause := range causes {
		root := sets.find(effect)
		if best, found := of[root]; !found || compareCauses(&findings[cause], &findings[best]) < 0 {
			of[root] = cause
		}
	}
	for root, cause := range of {
		sets.join(root, cause)
	}
}

// compareCauses puts the gravest first: the one that stands at the head of an incident.
func compareCauses(a, b *Finding) int {
	return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.rank(), b.rank()),
		cmp.Compare(b.Counts.Messages, a.Counts.Messages), cmp.Compare(a.ID, b.ID))
}

// burstOf is the burst of the client that main is about, where what it relayed at other times is no part of the story: a
// customer's server relays every day, and somebody got into it on one of them. Else it is main.
func burstOf(main *Finding, group []*Finding) *Finding {
	if main.Detector != openRelay.Name || main.Subject.Kind != IP {
		return main
	}
	for _, f := range group {
		if f.Detector == "burst" && f.Subject == main.Subject && f.Severity >= main.Severity &&
			2*f.Counts.Messages > main.Counts.Messages && f.Counts.Messages < main.Counts.Messages && 2*f.End.Sub(f.Start) < main.End.Sub(main.Start) {
			return f
		}
	}
	return main
}

func newIncident(group []*Finding) Incident {
	main := burstOf(slices.MinFunc(group, compareCauses), group)
	slices.SortFunc(group, func(a, b *Finding) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID)) })
	inc := Incident{
		ID: "incident/" + main.ID, Title: main.Title + likewise(main, group), Severity: main.Severity, Score: main.Score, Messages: main.Counts.Messages,
		Start: main.Start, End: main.End, Findings: []string{main.ID},
	}
	clients := make(map[string]bool)
	for _, f := range group {
		if f != main {
			inc.Findings = append(inc.Findings, f.ID)
		}
		inc.Start, inc.End = min(inc.Start, f.Start), max(inc.End, f.End)
		for _, a := range f.Accounts {
			if !slices.Contains(inc.Accounts, a) {
				inc.Accounts = append(inc.Accounts, a)
			}
		}
		for _, c := range f.Clients {
			if f == main || !f.IsEffect() {
				clients[c.IP.String()] = true
			}
		}
		inc.Steps = append(inc.Steps, steps(f)...)
	}
	inc.Steps = append(inc.Steps, peakOf(main)...)
	inc.Clients = len(clients)
	slices.Sort(inc.Accounts)
	slices.SortStableFunc(inc.Steps, func(a, b Step) int { return cmp.Compare(a.Time, b.Time) })
	return inc
}

// Likewise reports whether f says of another subject what main says of its own.
func (f *Finding) Likewise(main *Finding) bool {
	return f.Detector == main.Detector && f.Subject.Kind == main.Subject.Kind && f.Subject != main.Subject && f.Severity >= Medium
}

func compareVolume(a, b *Finding) int {
	return cmp.Or(cmp.Compare(a.Counts.Messages, b.Counts.Messages), cmp.Compare(a.Counts.Rejected, b.Counts.Rejected), cmp.Compare(a.Counts.FailedLogins, b.Counts.FailedLogins))
}

// likewise names the others of whom the same is true, those with most first: of three stolen accounts one heads the story, and
// who reads no further must not think that it was the only one.
func likewise(main *Finding, group []*Finding) string {
	const named = 3
	most := make(map[string]*Finding)
	for _, f := range group {
		if m := most[f.Subject.Value]; f.Likewise(main) && (m == nil || compareVolume(f, m) > 0) {
			most[f.Subject.Value] = f
		}
	}
	others := slices.SortedFunc(maps.Keys(most), func(a, b string) int { return cmp.Or(compareVolume(most[b], most[a]), strings.Compare(a, b)) })
	var words []string
	for _, o := range others[:min(named, len(others))] {
		volume := most[o].Sum()
		if n := most[o].Counts.Messages; n > 0 {
			volume = plural(n, "message", "messages")
		}
		words = append(words, fmt.Sprintf("%s (%s)", o, volume))
	}
	if more := len(others) - len(words); more > 0 {
		words = append(words, say("%d more", more))
	}
	if len(words) == 0 {
		return ""
	}
	return "; likewise " + strings.Join(words, ", ")
}

// steps are the beginning and the end of a finding, and whatever its evidence marks besides; none of a log without times.
func steps(f *Finding) []Step {
	var all []Step
	began, ended := false, false
	for i := range f.Evidence {
		e := &f.Evidence[i]
		if e.Time == 0 {
			continue
		}
		switch e.Role {
		case "first":
			all = append(all, Step{e.Time, f.Title, f.ID, e})
			began = true
		case "last":
			if f.End.Sub(f.Start) > 0 {
				all = append(all, Step{e.Time, fmt.Sprintf("the last of %s", f.Sum()), f.ID, e})
			}
			ended = true
		case "peak", "typical", "":
		default:
			all = append(all, Step{e.Time, e.Role, f.ID, e})
		}
	}
	if !began && f.Start != 0 {
		all = append(all, Step{f.Start, f.Title, f.ID, nil})
	}
	if !ended && f.End > f.Start {
		all = append(all, Step{f.End, fmt.Sprintf("the last of %s", f.Sum()), f.ID, nil})
	}
	return all
}

// peakOf is the busiest minute of the finding that the story is about; those of the others are theirs alone. The evidence is
// a sample, which another cut of the same log makes another one: the peak is told, and at its own time, whether or not a
// line of it was kept.
func peakOf(f *Finding) []Step {
	if f.Rate == nil || f.Rate.PeakAt == 0 {
		return nil
	}
	peak := Step{Time: f.Rate.PeakAt, Text: say("the peak: %d in a minute", f.Rate.PeakPerMinute), Finding: f.ID}
	i := slices.IndexFunc(f.Evidence, func(e Evidence) bool { return e.Role == "peak" })
	if i < 0 { // the line with which it begins may be there for another reason, too
		i = slices.IndexFunc(f.Evidence, func(e Evidence) bool { return e.Time == f.Rate.PeakAt })
	}
	if i >= 0 {
		peak.Evidence = &f.Evidence[i]
	}
	return []Step{peak}
}

// Sum says how many messages and attempts a finding counts.
func (f *Finding) Sum() string {
	switch {
	case f.Counts.Messages > 0 && f.Counts.Rejected > 0:
		return fmt.Sprintf("%s and %s", plural(f.Counts.Messages, "message", "messages"), plural(f.Counts.Rejected, "refused attempt", "refused attempts"))
	case f.Counts.Messages > 0:
		return plural(f.Counts.Messages, "message", "messages")
	case f.Counts.Rejected > 0:
		return plural(f.Counts.Rejected, "refused attempt", "refused attempts")
	case f.Counts.FailedLogins > 0:
		return plural(f.Counts.FailedLogins, "failed login", "failed logins")
	}
	return "it"
}

// sets are disjoint sets of small numbers (Tarjan, 1975; with path halving).
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) find(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join makes the lower number the root, so that the result does not depend on the order.
func (s sets) join(i, j int) {
	i, j = s.find(i), s.find(j)
	s[max(i, j)] = min(i, j)
}
