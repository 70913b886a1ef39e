package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// from says a window: one day once, and how long it took. "Wed 2024-01-24 14:44:11 to 14:51:55 (7 min 44 s)".
func from(start, end mail.Instant, zone *time.Location) string {
	if start == 0 {
		return "not known"
	}
	a, b := start.In(zone), end.In(zone)
	switch {
	case end <= start:
		return a.Format(dayLayout)
	case a.YearDay() == b.YearDay() && a.Year() == b.Year():
		return a.Format(dayLayout) + " to " + b.Format(clockLayout) + " (" + span(end.Sub(start)) + ")"
	}
	return a.Format(dayLayout) + " to " + b.Format(dayLayout) + " (" + span(end.Sub(start)) + ")"
}

// when is the window of a finding with its zone and where that was, and whether it goes on: nobody who reads it at night looks for these at the end.
func when(r *Report, f *analyze.Finding, where string) string {
	text := from(f.Start, f.End, r.Zone)
	if f.Start == 0 {
		return text
	}
	zone := f.Start.In(r.Zone).Format("-07:00")
	if end := f.End.In(r.Zone).Format("-07:00"); end != zone {
		zone += " and " + end
	}
	clock, took, lasted := strings.Cut(text, " (")
	text = clock + " " + zone
	if lasted {
		text += " (" + took
	}
	return text + where + after(r, f)
}

// after says how much of the log is left after a finding: what ended hours before the log did is over.
func after(r *Report, f *analyze.Finding) string {
	end := logEnd(r, f.Hosts)
	next := again(r, f)
	switch rest := end.Sub(f.End); {
	case end == 0 || f.End == 0 || rest < 0:
		return ""
	case rest < near:
		return "; it may still be going on: the log ends " + span(max(rest, time.Second)) + " later"
	case next != nil:
		begins, ended, form := next.Start.In(r.Zone), f.End.In(r.Zone), dayLayout
		if begins.Format(time.DateOnly) == ended.Format(time.DateOnly) {
			form = clockLayout
		}
		return "; again from " + begins.Format(form) + " on"
	case f.Detector == "burst" && hasFact(f, analyze.Otherwise):
		return "; no such burst again in the remaining " + span(rest) + " of the log"
	case f.Detector == "open-relay", wasStopped(r, f):
		return "; no more of it was accepted in the remaining " + span(rest) + " of the log"
	default:
		return "; no more of it in the remaining " + span(rest) + " of the log"
	}
}

// again is the next finding of the same detector about the same subject; nil: there is none. What is told of a server or of a
// campaign may be another matter each time.
func again(r *Report, f *analyze.Finding) (next *analyze.Finding) {
	if f.Subject.Kind == analyze.Host || f.Subject.Kind == analyze.CampaignKind {
		return nil
	}
	for i := range r.Findings {
		g := &r.Findings[i]
		if g.Detector == f.Detector && g.Subject == f.Subject && g.Start > f.End && (next == nil || g.Start < next.Start) {
			next = g
		}
	}
	return next
}

// wasStopped reports whether more was tried after a finding, and refused; a login's burst knows of what its addresses tried when
// the lines name no login.
func wasStopped(r *Report, f *analyze.Finding) bool {
	for i := range r.Findings {
		if g := &r.Findings[i]; g.Subject == f.Subject && g.Start <= f.End && g.End >= f.End && hasFact(g, analyze.Afterwards) {
			return true
		}
	}
	return hasFact(f, analyze.Afterwards)
}

func hasFact(f *analyze.Finding, name string) bool {
	return slices.ContainsFunc(f.Facts, func(fact analyze.Fact) bool { return fact.Name == name })
}

// logEnd is the end of what was read of hosts: of several logs, one may be older than the rest.
func logEnd(r *Report, hosts []string) mail.Instant {
	if r.Ledger == nil {
		return 0
	}
	_, end := r.Window()
	var last mail.Instant
	for i := range r.Ledger.Files {
		if f := &r.Ledger.Files[i]; len(hosts) == 0 || slices.ContainsFunc(hosts, func(h string) bool { return slices.Contains(f.Hosts, h) }) {
			last = max(last, f.Last)
		}
	}
	if last == 0 {
		return end
	}
	return min(last, end)
}

// fates are the numbers of recipients by what became of them, largest first; those that are zero are left out.
func fates(c *analyze.Counts) string {
	return strings.Join(nonzero([]named{
		{"delivered", c.Delivered}, {"bounced", c.Bounced}, {"deferred", c.Deferred}, {"expired", c.Expired}, {"held", c.Held}, {"discarded", c.Discarded},
	}), ", ")
}

// howMuch says the volume of a finding in a line.
func howMuch(f *analyze.Finding) string {
	c := &f.Counts
	var parts []string
	if c.Messages > 0 || c.Rejected == 0 && c.Logins == 0 && c.FailedLogins == 0 {
		text := Counted(c.Messages, "message", "messages") + " to " + Counted(c.Recipients, "recipient", "recipients")
		if what := fates(c); what != "" {
			text += ": " + what
		}
		parts = append(parts, text)
	}
	if c.Rejected > 0 {
		parts = append(parts, Counted(c.Rejected, "attempt rejected", "attempts rejected"))
	}
	if c.Logins > 0 {
		parts = append(parts, Counted(c.Logins, "login", "logins"))
	}
	if c.FailedLogins > 0 {
		parts = append(parts, Counted(c.FailedLogins, "failed login", "failed logins"))
	}
	return strings.Join(parts, "; ")
}

// howFast says the rate of a finding, "" where a rate says nothing.
func howFast(f *analyze.Finding, zone *time.Location) string {
	if f.Rate == nil {
		return ""
	}
	text := per(f.Rate.PerMinute) + " a minute"
	if f.Rate.PerMinute < 0.1 { // 0.0 a minute says nothing
		text = per(60*f.Rate.PerMinute) + " an hour"
	}
	switch at := f.Rate.PeakAt.In(zone); {
	case f.Rate.PeakPerMinute == 0:
	case f.Rate.WholeMinutes:
		text += ", " + Commas(f.Rate.PeakPerMinute) + " in the busiest minute of the clock (" + at.Format(minuteLayout) + ")"
	default:
		text += ", at most " + Commas(f.Rate.PeakPerMinute) + " in 60 s"
		if f.Rate.PeakAt != 0 {
			text += " (from " + at.Format(clockLayout) + ")"
		}
	}
	return text
}

// severities says how many findings there are of each severity: "2 high, 1 low".
func severities(fs []analyze.Finding) string {
	var n perSeverity
	for i := range fs {
		n[fs[i].Severity]++
	}
	return n.String()
}

// perSeverity is how many there are of each severity.
type perSeverity [analyze.High + 1]int

// String leaves out those that are 0.
func (n *perSeverity) String() string {
	var parts []string
	for s := analyze.High; s >= analyze.Low; s-- {
		if n[s] > 0 {
			parts = append(parts, Commas(n[s])+" "+s.String())
		}
	}
	return strings.Join(parts, ", ")
}

// clientWords says who a client is, in pieces.
func clientWords(c *mail.Client) []string {
	var words []string
	if c.IP.IsValid() {
		words = append(words, c.IP.Unmap().String())
	}
	switch {
	case c.Name != "" && c.Name != "unknown":
		words = append(words, c.Name)
	case c.IP.Unmap().IsLoopback():
		words = append(words, "the mail server itself")
	case c.IP.IsValid(): // it need not be that there is none: postscreen does not look it up, nor does every Exim
		words = append(words, "name unknown")
	}
	if c.HELO != "" && c.HELO != c.Name {
		words = append(words, "HELO "+c.HELO)
	}
	if c.ASN != 0 {
		words = append(words, "AS"+strconv.FormatUint(uint64(c.ASN), 10))
	}
	if c.Country != "" {
		words = append(words, c.Country)
	}
	return words
}

// countOf says how many findings there are, and how many of them are shown.
func countOf(r *Report) string {
	if r.Left == 0 {
		return Counted(len(r.Findings), "finding", "findings")
	}
	return fmt.Sprintf("%s, %s of them shown", Counted(len(r.Findings)+r.Left, "finding", "findings"), Commas(len(r.Findings)))
}
