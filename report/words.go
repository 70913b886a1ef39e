package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// The words and numbers that Terminal, Markdown and tables share.

// Commas is a number as a person reads it: 4,012.
func Commas(n int) string { return humanize.Comma(int64(n)) }

// Bytes is a size as a person reads it: 1.2 GB.
func Bytes(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// Counted is "1 message", "36 messages".
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Commas(n) + " " + many
}

// span is a duration in its two largest units: "7 min 44 s".
func span(d time.Duration) string {
	switch {
	case d <= 0: // the stamps of most logs are whole seconds
		return "under 1 s"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	units := [...]struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, " d"}, {time.Hour, " h"}, {time.Minute, " min"}, {time.Second, " s"}}
	var parts []string
	for _, u := range units {
		if n := d / u.of; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d -= n * u.of
		} else if len(parts) > 0 {
			break // 2 d 3 s is 2 d
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}

const (
	dayLayout    = "Mon 2006-01-02 15:04:05"
	clockLayout  = "15:04:05"
	minuteLayout = "15:04"
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

// percent is a score: "97 %".
func percent(score float64) string { return strconv.Itoa(int(score*100+0.5)) + " %" }

// per is a rate: "4.7 a minute".
func per(x float64) string {
	if x >= 10 {
		return Commas(int(x + 0.5))
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// fates are the numbers of recipients by what became of them, largest first; those that are zero are left out.
func fates(c *analyze.Counts) string {
	return strings.Join(nonzero([]named{
		{"delivered", c.Delivered}, {"bounced", c.Bounced}, {"deferred", c.Deferred}, {"expired", c.Expired}, {"held", c.Held}, {"discarded", c.Discarded},
	}), ", ")
}

func nonzero(ns []named) []string {
	ns = slices.DeleteFunc(ns, func(n named) bool { return n.n == 0 })
	slices.SortStableFunc(ns, func(a, b named) int { return cmp.Compare(b.n, a.n) })
	texts := make([]string, len(ns))
	for i, n := range ns {
		texts[i] = Commas(n.n) + " " + n.name
	}
	return texts
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
	var n [analyze.High + 1]int
	for i := range fs {
		n[fs[i].Severity]++
	}
	var parts []string
	for s := analyze.High; s >= analyze.Low; s-- {
		if n[s] > 0 {
			parts = append(parts, Commas(n[s])+" "+s.String())
		}
	}
	return strings.Join(parts, ", ")
}

// some joins the first few of many values and says how many more there are.
func some(vs []string, few, all int) string {
	if len(vs) > few {
		vs = vs[:few]
	}
	text := strings.Join(vs, ", ")
	if more := all - len(vs); more > 0 {
		text += " and " + Commas(more) + " more"
	}
	return text
}

// clientWords says who a client is, in pieces.
func clientWords(c *mail.Client) []string {
	var words []string
	if c.IP.IsValid() {
		words = append(words, c.IP.Unmap().String())
	}
	if c.Name != "" && c.Name != "unknown" {
		words = append(words, c.Name)
	} else if c.IP.IsValid() {
		words = append(words, "no reverse name")
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

// shown is a value for a person.
func shown(v Value, zone *time.Location) string {
	switch v.kind {
	case textValue:
		return v.text
	case intValue:
		return humanize.Comma(v.whole)
	case momentValue:
		return instant(v).In(zone).Format("2006-01-02 15:04:05")
	case durationValue:
		return span(duration(v))
	case seriesValue:
		return sparkline(v.series)
	}
	return ""
}

// verdicts says what became of the lines of the inputs.
func verdicts(r *Report) string {
	var lines, events, foreign, unfamiliar, damaged, blank, duplicates, bytes int64
	read := 0
	for i := range r.Ledger.Files {
		f := &r.Ledger.Files[i]
		lines += f.Lines
		events += f.Parsed
		foreign += f.Foreign
		unfamiliar += f.Unfamiliar
		damaged += f.Damaged
		blank += f.Blank
		duplicates += f.Duplicates
		bytes += f.Bytes
		if f.Err == nil || f.Bytes > 0 {
			read++
		}
	}
	files := Counted(len(r.Ledger.Files), "file", "files")
	if read < len(r.Ledger.Files) {
		files = Commas(read) + " of " + files
	}
	text := fmt.Sprintf("%s, %s, %s: %s understood", files, Bytes(bytes),
		Counted(int(lines), "line", "lines"), Commas(int(events)))
	for _, n := range []named{
		{"of other programs", int(foreign)}, {"unfamiliar", int(unfamiliar)}, {"damaged", int(damaged)}, {"blank", int(blank)},
	} {
		if n.n > 0 {
			text += ", " + Commas(n.n) + " " + n.name
		}
	}
	if duplicates > 0 { // remarks, which say nothing of a mail, were not compared
		text += ", at least " + Commas(int(duplicates)) + " of them in another file too, and counted once"
	}
	return text
}

// totalsText says the totals in one sentence.
func totalsText(t *analyze.Totals) string {
	text := Counted(t.Messages, "message", "messages") + " to " + Counted(t.Recipients, "recipient", "recipients")
	if what := nonzero([]named{
		{"delivered", t.Delivered}, {"bounced", t.Bounced}, {"deferred", t.Deferred}, {"expired", t.Expired}, {"held", t.Held}, {"discarded", t.Discarded},
		{"forwarded", t.Forwarded}, {"left in the filter", t.Filtered}, {"without an outcome in the log", t.Undecided},
	}); len(what) > 0 {
		text += ": " + strings.Join(what, ", ")
	}
	if t.Rejected > 0 {
		text += "; " + Counted(t.Rejected, "attempt rejected", "attempts rejected")
	}
	if t.Notices > 0 {
		text += "; " + Counted(t.Notices, "bounce or notice by the mail server itself", "bounces and notices by the mail server itself")
	}
	return text
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// hostsOf are the hosts that wrote the inputs.
func hostsOf(r *Report) []string {
	hosts := make(map[string]bool)
	for i := range r.Ledger.Files {
		for _, h := range r.Ledger.Files[i].Hosts {
			hosts[h] = true
		}
	}
	return sortedKeys(hosts)
}

// covered is the window in words.
func covered(r *Report) string {
	start, end := r.Window()
	if start == 0 && r.Ledger.First != 0 {
		return "nothing in the time that was asked for: the logs cover " + from(r.Ledger.First, r.Ledger.Last, r.Zone)
	}
	return from(start, end, r.Zone)
}

// overWhat is what was searched, in words.
func overWhat(r *Report) string {
	return Counted(r.Totals.Messages, "message", "messages") + " of " + Counted(max(1, len(hostsOf(r))), "host", "hosts") + ", " + covered(r)
}

// inVain is the sentence of a report that found nothing: what was searched.
func inVain(r *Report) string {
	if start, _ := r.Window(); start == 0 {
		return "There was nothing to search: " + covered(r) + "."
	}
	return "In " + overWhat(r) + ", none of what was looked for stands out."
}

// zoneText says in which zone times are shown, and why. Where the zone's offset changes within the window, both stand.
func zoneText(r *Report) string {
	start, end := r.Window()
	if start == 0 {
		start, end = r.Ledger.First, r.Ledger.Last
	}
	a, b := start.In(r.Zone).Format("-07:00"), end.In(r.Zone).Format("-07:00")
	if a != b {
		a += " and " + b
	}
	text := "times are " + a
	if name := r.Zone.String(); name != "" && name != "Local" && name != a {
		text = "times are " + name + " (" + a + ")"
	}
	if r.Ledger.ZoneWhy != "" {
		text += ", " + r.Ledger.ZoneWhy
	}
	return text
}

// yearTexts are the distinct rules by which stamps without a year or zone were completed, beside what zoneText says.
func yearTexts(r *Report) []string {
	rules := []string{"zone " + r.Ledger.ZoneWhy}
	for i := range r.Ledger.Files {
		for _, rule := range []string{r.Ledger.Files[i].YearRule, r.Ledger.Files[i].ZoneRule} {
			if why, ok := strings.CutPrefix(rule, r.Zone.String()+", "); ok {
				rule = "zone " + why
				if strings.HasPrefix(why, "the zone ") {
					rule = "stamps are in " + why
				}
			}
			if rule != "" && !slices.Contains(rules, rule) {
				rules = append(rules, rule)
			}
		}
	}
	return added(rules[1:])
}

// added makes one rule of those that differ in the number of their witnesses: a month of rotated files has thirty.
func added(rules []string) []string {
	const proof = "proven by "
	var all []string
	sums := make(map[string]int)
	index := make(map[string]int)
	for _, rule := range rules {
		head, tail, _ := strings.Cut(rule, proof)
		number, what, _ := strings.Cut(tail, " ")
		n, err := strconv.Atoi(strings.ReplaceAll(number, ",", ""))
		key := head + what
		if _, known := index[key]; err != nil || !known {
			index[key], sums[key] = len(all), n
			all = append(all, rule)
			continue
		}
		sums[key] += n
		all[index[key]] = head + proof + strconv.Itoa(sums[key]) + " " + what
	}
	return all
}

// rolesText says what hosts are for, and how we know.
func rolesText(s *analyze.Site) string {
	var parts []string
	for _, h := range sortedKeys(s.Roles) {
		if role := s.Roles[h]; role.Role != analyze.UnknownRole {
			parts = append(parts, h+" "+role.Role.String()+" ("+role.Why+")")
		}
	}
	return strings.Join(parts, ", ")
}

// domainsText says which domains there are, and how we know.
func domainsText(domains map[string]analyze.Known) string {
	var parts []string
	for _, d := range sortedKeys(domains) {
		parts = append(parts, d+" ("+domains[d].Why+")")
	}
	return some(parts, 8, len(parts))
}

// troubles are what could not be read, each with its place.
func troubles(r *Report) []string {
	var texts []string
	for i := range r.Ledger.Files {
		f := &r.Ledger.Files[i]
		if f.Err != nil {
			texts = append(texts, withPath(f.Path, f.Err.Error()))
		}
		if f.Damage != nil {
			texts = append(texts, withPath(f.Path, f.Damage.Error())+"; "+Counted(int(f.Lines), "line", "lines")+" before that could be read and were used")
		}
		for _, w := range f.Warnings {
			texts = append(texts, withPath(f.Path, w))
		}
	}
	return append(texts, r.Ledger.Warnings...)
}

// withPath puts the path before a text that does not begin with it.
func withPath(path, text string) string {
	if strings.HasPrefix(text, path) {
		return text
	}
	return path + ": " + text
}

// countOf says how many findings there are, and how many of them are shown.
func countOf(r *Report) string {
	if r.Left == 0 {
		return Counted(len(r.Findings), "finding", "findings")
	}
	return fmt.Sprintf("%s, %s of them shown", Counted(len(r.Findings)+r.Left, "finding", "findings"), Commas(len(r.Findings)))
}
