package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mailforensics/analyze"
)

// entries joins the steps that tell of one line, and drops what is said twice of one second. The title, which stands above
// everything, is not repeated where it begins.
func entries(s *story) []entry {
	var all []entry
	folded := bursts(s)
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
		if text := s.stepText(step, folded); text != "" && !slices.ContainsFunc(e.Texts, func(said string) bool { return strings.EqualFold(said, text) }) {
			if step.Finding == s.main.ID { // what the story is about comes first
				e.Texts, e.Finding = slices.Insert(e.Texts, e.own, text), step.Finding
				e.own++
			} else {
				e.Texts = append(e.Texts, text)
			}
		}
		if e.Evidence == nil {
			e.Evidence = step.Evidence
		}
	}
	all = slices.DeleteFunc(all, func(e entry) bool { return len(e.Texts) == 0 })
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

// fewBursts is up to how many bursts of clients of one finding each begin with a line of their own.
const fewBursts = 8

// bursts are the bursts of single clients of the main finding, and of names in which these wrote, in order of time; nil where they
// are few: then each is told by itself.
func bursts(s *story) []*analyze.Finding {
	if len(s.main.Clients) < fewBursts {
		return nil
	}
	var all []*analyze.Finding
	for _, f := range s.others {
		if f.Detector == "burst" && f.Start >= s.main.Start && f.End <= s.main.End && ofClients(f, s.main) {
			all = append(all, f)
		}
	}
	if len(all) <= fewBursts {
		return nil
	}
	return all
}

// ofClients reports whether a finding is about a client of main, or about a name that its clients wrote as the sender.
func ofClients(f, main *analyze.Finding) bool {
	isClient := func(c analyze.ClientCount) bool {
		return slices.ContainsFunc(main.Clients, func(m analyze.ClientCount) bool { return m.IP == c.IP })
	}
	switch f.Subject.Kind {
	case analyze.IP:
		return slices.ContainsFunc(main.Clients, func(c analyze.ClientCount) bool { return c.IP.String() == f.Subject.Value })
	case analyze.SenderDomain:
		return len(f.Clients) > 0 && !slices.ContainsFunc(f.Clients, func(c analyze.ClientCount) bool { return !isClient(c) })
	}
	return false
}

// burstsText is all bursts of clients of one finding in a sentence.
func burstsText(all []*analyze.Finding) string {
	least, most := all[0].Counts.Messages, all[0].Counts.Messages
	for _, f := range all {
		least, most = min(least, f.Counts.Messages), max(most, f.Counts.Messages)
	}
	of := "one client"
	if slices.ContainsFunc(all, func(f *analyze.Finding) bool { return f.Subject.Kind == analyze.SenderDomain }) {
		of = "one client or in one name"
	}
	text := fmt.Sprintf("the first of %s, each of %s: ", Counted(len(all), "burst", "bursts"), of)
	if least == most {
		return text + Counted(most, "message", "messages") + " each"
	}
	return text + fmt.Sprintf("%s to %s", Commas(least), Counted(most, "message", "messages"))
}

// stepText is what a step says; "" where the main finding says it, too, or another of the folded bursts.
func (s *story) stepText(step *analyze.Step, folded []*analyze.Finding) string {
	if step.Finding == s.main.ID {
		if step.Text == s.main.Title {
			return "it begins: the first of " + s.main.Sum()
		}
		return step.Text
	}
	i := slices.IndexFunc(s.others, func(f *analyze.Finding) bool { return f.ID == step.Finding })
	if i < 0 {
		return step.Text
	}
	f := s.others[i]
	if step.Text == f.Title && slices.Contains(folded, f) {
		if f == folded[0] {
			return burstsText(folded)
		}
		return ""
	}
	sum := strings.HasPrefix(step.Text, "the last of ") || strings.HasPrefix(step.Text, "the peak: ")
	switch {
	case step.Text == f.Title && f.Subject == s.main.Subject && f.Start == s.main.Start:
		return ""
	case step.Text == f.Title && f.Detector == "burst" && slices.ContainsFunc(s.others, func(o *analyze.Finding) bool {
		return (o.Detector == "account" || o.Detector == "script") && o.Subject == f.Subject && o.Start == f.Start
	}): // which say as much about the same messages, and more
		return ""
	case sum && f.Start >= s.main.Start && f.End <= s.main.End:
		return ""
	case sum && f.Subject.Kind == analyze.Host: // where all that is told of happened
		return f.Detector + ": " + step.Text
	case sum:
		return f.Subject.Value + ": " + step.Text
	}
	return step.Text
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
