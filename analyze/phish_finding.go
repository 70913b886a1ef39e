package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// finding is what a report says of a run.
func (q *phishInquiry) finding(r *run) Finding {
	slices.Sort(r.times)
	slices.SortFunc(r.answers, func(a, b answer) int { return cmp.Or(compareWriters(a.writer, b.writer), strings.Compare(a.to, b.to)) })
	people := r.answerers()
	f := Finding{Detector: phishName, Subject: r.subject(), Argument: r.Argument, Start: r.Start, End: r.End, Rate: RateOf(r.times)}
	slices.SortStableFunc(f.Reasons, func(x, y Reason) int { return cmp.Compare(y.Weight, x.Weight) })
	f.Title = say("%s wrote to %d of our users in %s", cmp.Or(r.sender, f.Subject.Value), len(r.targets), duration(r.End.Sub(r.Start)))
	switch len(people) {
	case 0:
		f.Title += "; nobody answered, as far as the log shows"
	case 1:
		f.Title += "; " + people[0] + " answered"
	default:
		f.Title += say("; %d answered", len(people))
	}
	for i, a := range r.answers {
		if i < 2 {
			r.Evidence.Mark(fmt.Sprintf("an answer: %s to %s", a.who(), a.to), Evidence{Origin: a.Origin, Time: a.time, Text: a.line})
		}
	}
	f.Facts = r.facts()
	r.Fill(&f)
	f.Accounts, f.lead = people, r.lead
	return f
}

func someNames(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return say("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

// subject is the client, where it is one; else the network or the sender.
func (r *run) subject() Subject {
	nets := make(map[netip.Prefix]bool)
	for ip := range r.clients {
		nets[NetworkOf(ip)] = true
	}
	for ip := range r.clients {
		if len(r.clients) == 1 {
			return Subject{IP, ip.String()}
		}
		if len(nets) == 1 {
			return Subject{Network, NetworkOf(ip).String()}
		}
	}
	return Subject{Sender, r.sender}
}

// facts are who answered, to whom, and when.
func (r *run) facts() []Fact {
	var facts []Fact
	for i, a := range r.answers {
		if i == 20 {
			facts = append(facts, Fact{"answered", say("%d more", len(r.answers)-i)})
			break
		}
		how := "the run's sender"
		switch {
		case a.domain != "" && a.domain == mail.Domain(r.sender):
			how = "another address of the run's sender's domain"
		case a.domain != "":
			how = say("an address of %s, from which a run came before this one", a.domain)
		case a.like > 0:
			how = "an address that the run may have named (Reply-To is not logged): nobody wrote to it before"
		}
		facts = append(facts, Fact{"answered", fmt.Sprintf("%s to %s, %s after the run began: %s", a.who(), a.to, duration(a.time.Sub(r.Start)), how)})
	}
	return facts
}
