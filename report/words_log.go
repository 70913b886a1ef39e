package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mailforensics/analyze"
)

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
		text += ", at least " + Commas(int(duplicates)) + " of them there twice, and counted once"
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

// rolesShown is how many hosts are named with their roles; the JSON names all.
const rolesShown = 8

// rolesText says what hosts are for, and how we know. Where there are too many, those of the rarest role come first: of forty MXs, the
// secondary is what one looks for.
func rolesText(s *analyze.Site) string {
	var hosts []string
	have := make(map[analyze.Role]int)
	for _, h := range sortedKeys(s.Roles) {
		if role := s.Roles[h].Role; role != analyze.UnknownRole {
			hosts = append(hosts, h)
			have[role]++
		}
	}
	if len(hosts) > rolesShown {
		slices.SortStableFunc(hosts, func(a, b string) int { return cmp.Compare(have[s.Roles[a].Role], have[s.Roles[b].Role]) })
	}
	var parts []string
	for _, h := range hosts {
		parts = append(parts, h+" "+s.Roles[h].Role.String()+" ("+s.Roles[h].Why+")")
	}
	return some(parts, rolesShown, len(parts))
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
