package analyze

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"mailforensics/mail"
)

// Engine feeds several watches, the survey and the totals with the same messages and events, and puts their findings in
// order. It is used from one goroutine; engines that read different hosts or days are merged before the end.
type Engine struct {
	Totals Totals

	pass      *Pass
	survey    *Survey
	detectors []Detector
	watches   []Watch // one of each
	whole     Share
}

// NewEngine makes an engine with a watch of each detector.
func NewEngine(pass *Pass, detectors []Detector) *Engine {
	e := &Engine{pass: pass, survey: NewSurvey(pass), detectors: detectors}
	logins := false
	for _, d := range detectors {
		e.watches = append(e.watches, d.New(pass))
		logins = logins || d.Logins
	}
	e.whole = Share{totals: &e.Totals, survey: e.survey, watches: e.watches, logins: logins}
	return e
}

// Message counts a message whose fate is known. Whoever has many at a time gives them to Shares.
func (e *Engine) Message(m *mail.Message) { e.whole.Items([]Item{{Message: m}}) }

// Event counts an event that is of no message, likewise.
func (e *Engine) Event(ev *mail.Event) { e.whole.Items([]Item{{Event: ev}}) }

// Merge takes over what other, an engine of the same pass and detectors, has counted. other must not be used after it.
//
// The program reads all its inputs in one process and needs no Merge. It is a property that every detector must keep, because it is
// what lets hosts, days or machines be read apart and joined: no state may depend on the order of the log or on a clock. Tests give
// every scene to one engine and to several that are merged, and demand the same findings; a detector that relies on order fails there.
func (e *Engine) Merge(other *Engine) {
	e.Totals.Merge(&other.Totals)
	e.survey.Merge(other.survey)
	for i, w := range e.watches {
		w.Merge(other.watches[i])
	}
}

// atOnce is how many watches are asked for their findings at the same time: what each makes for it is memory.
const atOnce = 2

// Findings asks the survey for the site, and with it every watch for its findings: the most severe first, then by score,
// start and ID. It is called once, at the end. A watch that was asked is let go of: what it remembers is memory for the next.
func (e *Engine) Findings() ([]Finding, *Site) {
	site := e.survey.Site()
	found, notes := make([][]Finding, len(e.watches)), make([][]string, len(e.watches))
	var wait sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i, w := range e.watches {
		e.watches[i] = nil
		turns <- struct{}{}
		wait.Go(func() {
			seen := *site
			seen.Notes = nil
			found[i] = w.Findings(&seen)
			notes[i] = seen.Notes
			<-turns
		})
	}
	wait.Wait()
	site.Notes = slices.Concat(append([][]string{site.Notes}, notes...)...)
	var all []Finding
	for i := range found {
		for _, f := range found[i] {
			f.Detector = e.detectors[i].Name
			if e.reported(&f) {
				all = append(all, f)
			}
		}
	}
	all = withoutIdleLeads(all)
	slices.SortFunc(all, compareFindings)
	identify(all)
	relate(all, site)
	return all, site
}

// withoutIdleLeads drops the leads that lead to nothing, and what a lead that does is told instead of: the same run, with other answers or
// with none.
func withoutIdleLeads(all []Finding) []Finding {
	abused := make(map[string][]mail.Instant) // account: when it began
	for i := range all {
		if f := &all[i]; f.Detector == account.Name && f.Severity >= Medium {
			abused[loginKey(f.Subject.Value)] = append(abused[loginKey(f.Subject.Value)], f.Start)
		}
	}
	all = slices.DeleteFunc(all, func(f Finding) bool {
		return f.lead && !slices.ContainsFunc(f.Accounts, func(login string) bool {
			return slices.ContainsFunc(abused[loginKey(login)], func(began mail.Instant) bool {
				return began > f.Start && began.Sub(f.End) <= near
			})
		})
	})
	led := make(map[string]int) // by the ID: the place of the first lead
	for i := range all {
		if id := NewID(&all[i]); all[i].lead && led[id] == 0 {
			led[id] = i + 1
		}
	}
	kept := all[:0]
	for i := range all {
		if first := led[NewID(&all[i])]; first == 0 || first == i+1 {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// reported completes a finding and reports whether it is one: not too weak, and not of somebody who is allowed. Where the log has no
// times, nothing is known of how fast it went.
func (e *Engine) reported(f *Finding) bool {
	f.Score = math.Round(min(1, max(0, f.Score))*100) / 100
	if f.Start == 0 {
		f.Rate, f.Timeline = nil, nil
	}
	if f.Severity == None {
		f.Severity = e.pass.Thresholds.Score.Severity(f.Score)
	}
	if f.Severity == None {
		return false
	}
	return e.pass.Allowed == nil || !e.pass.Allowed(f.Subject.Kind, f.Subject.Value)
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(b.Score, a.Score),
		cmp.Compare(a.Start, b.Start),
		cmp.Compare(a.Detector, b.Detector),
		cmp.Compare(a.Subject.Kind, b.Subject.Kind),
		cmp.Compare(a.Subject.Value, b.Subject.Value),
		cmp.Compare(b.Counts.Messages, a.Counts.Messages),
	)
}

// NewID is the stable name of a finding: who, by which detector, since when (the UTC second).
func NewID(f *Finding) string {
	return fmt.Sprintf("%s/%s/%s/%s", f.Detector, f.Subject.Kind, f.Subject.Value, f.Start.In(time.UTC).Format("2006-01-02T15:04:05Z"))
}

// identify gives every finding its ID; should two be equal, the later ones get a number.
func identify(all []Finding) {
	used := make(map[string]int)
	for i := range all {
		id := NewID(&all[i])
		if used[id]++; used[id] > 1 {
			id = fmt.Sprintf("%s#%d", id, used[id])
		}
		all[i].ID = id
	}
}

// relatedMost bounds the relations of one finding.
const relatedMost = 50

// near is how far apart two findings of one story may lie: an account that was guessed on Monday sends on Wednesday.
const near = 72 * time.Hour

// sold is how long after a phish the password of one who answered it may be used: it passes through some hands, and logs are
// mostly kept for some weeks.
const sold = 30 * 24 * time.Hour

// relate links findings that are about the same client, network, account, script or sender at about the same time.
func relate(all []Finding, site *Site) {
	sharers := make(map[Subject][]int)
	for i := range all {
		for _, s := range mentions(&all[i], site) {
			sharers[s] = append(sharers[s], i)
		}
	}
	for i := range all {
		all[i].Related = related(all, sharers, i, site)
	}
}

func related(all []Finding, sharers map[Subject][]int, i int, site *Site) []string {
	var ids []string
	for _, s := range mentions(&all[i], site) {
		for _, j := range sharers[s] {
			if j != i && together(&all[i], &all[j]) && !slices.Contains(ids, all[j].ID) && len(ids) < relatedMost {
				ids = append(ids, all[j].ID)
			}
		}
	}
	ids = append(ids, all[i].Related...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// mentions is whom a finding is about. What thousands share (a webmail host, a big provider) would join everything, so a
// finding with many clients or accounts is joined by its subject and the most frequent ones only, and that two use senders of
// our own domain says nothing. Of an account, one daemon logs the name as it was typed and another one in lower case.
func mentions(f *Finding, site *Site) []Subject {
	const most = 1000
	all := []Subject{f.Subject}
	if f.Subject.Kind == Account {
		all[0].Value = strings.ToLower(f.Subject.Value)
	}
	for _, c := range f.Clients[:min(most, len(f.Clients))] {
		if !c.IP.IsValid() {
			continue
		}
		all = append(all, Subject{IP, c.IP.String()}, Subject{Network, NetworkOf(c.IP).String()})
	}
	for _, a := range f.Accounts[:min(most, len(f.Accounts))] {
		all = append(all, Subject{Account, strings.ToLower(a)})
	}
	for _, s := range f.Scripts {
		all = append(all, Subject{Script, s.Value})
	}
	for _, s := range f.blame {
		if s.Kind == Account {
			s.Value = strings.ToLower(s.Value)
		}
		all = append(all, s)
	}
	if f.Subject.Kind == UID {
		return all
	}
	for _, s := range f.Senders[:min(3, len(f.Senders))] {
		all = append(all, Subject{Sender, s.Value})
		if domain := mail.Domain(s.Value); !site.IsOurs(domain) {
			all = append(all, Subject{SenderDomain, domain})
		}
	}
	return unique(all)
}

func unique(subjects []Subject) []Subject {
	seen := make(map[Subject]bool, len(subjects))
	return slices.DeleteFunc(subjects, func(s Subject) bool {
		old := seen[s]
		seen[s] = true
		return old || s.Value == "" || s.Value == mail.NullSender
	})
}

func together(a, b *Finding) bool {
	if a.Start.Sub(b.End) <= near && b.Start.Sub(a.End) <= near {
		return true
	}
	return gaveAway(a, b) || gaveAway(b, a)
}

// gaveAway reports whether an account that was abused had answered a phish: the password that it gave away is sold, and used when
// it suits the buyer.
func gaveAway(phish, abuse *Finding) bool {
	return phish.Detector == phishName && (abuse.Detector == account.Name || abuse.Detector == burst.Name) && abuse.Subject.Kind == Account &&
		abuse.Start >= phish.Start && abuse.Start.Sub(phish.End) <= sold &&
		slices.ContainsFunc(phish.Accounts, func(a string) bool { return strings.EqualFold(a, abuse.Subject.Value) })
}
