package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"mailforensics/mail"
)

// refusalsOf is the refused attempts of all clients of the candidates.
func (w *burstWatch) refusalsOf(all []*candidate, site *Site) map[netip.Addr][]refusal {
	wanted := make(map[netip.Addr][]refusal)
	for _, c := range all {
		for ip := range c.clients {
			if !site.IsOwn(ip) {
				wanted[ip] = nil
			}
		}
	}
	take := func(r refusal) {
		if list, ok := wanted[r.ip]; ok {
			wanted[r.ip] = append(list, r)
		}
	}
	for r := range w.refusals.oldestFirst {
		take(*r)
	}
	for _, r := range w.keptRefs {
		take(r)
	}
	return wanted
}

// knocking counts the refused attempts of a candidate's clients after its window, and before the subject's next one. Nearly all are
// remembered from since on.
func (c *candidate) knocking(refusals map[netip.Addr][]refusal, next, since mail.Instant) {
	c.later.atLeast = since > c.End
	for ip := range c.clients {
		for _, r := range refusals[ip] {
			if r.time > c.End && r.time < next {
				c.later.add(r.time)
			}
		}
	}
}

// refusalsSince is from when on all refused attempts are remembered; of some before, only those near bursts are.
func (w *burstWatch) refusalsSince() mail.Instant {
	if w.refusals.full {
		for r := range w.refusals.oldestFirst {
			return r.time
		}
	}
	return 0
}

// refuse counts the refused attempts of a candidate's clients in its window.
func (c *candidate) refuse(refusals map[netip.Addr][]refusal) {
	for ip, client := range c.clients {
		for _, r := range refusals[ip] {
			if r.time < c.Start || r.time > c.End {
				continue
			}
			client.Rejected++
			c.Counts.Rejected++
			c.Buckets.Add(r.time, 0, 1)
			c.refused++
			if r.unknown {
				c.refusedU++
			}
		}
	}
}

// finding is a candidate as it is told.
func (w *burstWatch) finding(c *candidate) Finding {
	slices.Sort(c.times)
	f := Finding{
		Subject:  c.subject,
		Argument: c.Argument,
		Title:    c.title(),
		Start:    c.Start,
		End:      c.End,
		Rate:     RateOf(c.times),
	}
	f.Mangled = c.mangled
	c.markPeak(f.Rate)
	slices.SortStableFunc(f.Reasons, func(a, b Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	c.Fill(&f)
	c.later.tell(&f, "its clients")
	if c.outside+c.network > 0 {
		sent := plural(c.outside, "message", "messages")
		if c.network > 0 {
			sent = "its network sent " + plural(c.network, "message", "messages")
		}
		f.Facts = append(f.Facts, Fact{Otherwise, sent + " at other times: not counted"})
	}
	switch {
	case c.beside == 0 && c.outside+c.network > 0: // else the subject alone selects it
		f.Signature = during(f.Start, f.End, f.Subject.Where())
	case c.beside > 0:
		f.Facts = append(f.Facts, Fact{"beside it", plural(c.beside, "other message", "other messages") + " of the same " + besides[c.subject.Kind] + ", as at other times: not counted here"})
	}
	return f
}

// markPeak makes the message with which the busiest minute begins evidence.
func (c *candidate) markPeak(rate *Rate) {
	for _, r := range c.records {
		if r.time == rate.PeakAt {
			c.Evidence.Mark("peak", Evidence{Origin: r.Origin, Time: r.time, Text: r.line})
			return
		}
	}
}

var besides = map[SubjectKind]string{
	Account: "account from its usual address", UID: "user by other scripts",
	Network: "network by logins and mail servers", SenderDomain: "sender domain by its own users and mail servers",
}

// title is what a person would say.
func (c *candidate) title() string {
	who := c.subject.Value
	switch c.subject.Kind {
	case Account:
		who = "account " + who
	case UID:
		who = "local user " + who
		if script, share := c.Scripts.Most(); share >= enough {
			who += " (" + script + ")"
		}
	case SenderDomain:
		who = "senders of " + who
	case ASN:
		who = "AS" + who
	}
	text := fmt.Sprintf("%s sent %s in %s", who, plural(c.Counts.Messages, "message", "messages"), duration(c.End.Sub(c.Start)))
	if n := len(c.clients); n > 1 {
		text += say(" from %d addresses", n)
	}
	return text
}
