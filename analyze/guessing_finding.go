package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// report makes a finding of guesses.
func (q *guessInquiry) report(b *guess) {
	q.weigh(b)
	for _, g := range b.clients {
		explained := b.subject.Kind != Account || b.usual && g.accounts.Distinct() == 1 // of a device with an old password, all
		q.told[g.client.IP] = explained || q.told[g.client.IP]
	}
	q.results = append(q.results, q.finding(b))
}

// finding is what a report says of a guess.
func (q *guessInquiry) finding(b *guess) Finding {
	end := b.last
	for _, o := range b.broken {
		end = max(end, o.v.first)
	}
	f := Finding{Subject: b.subject, Argument: b.Argument, Title: b.title(), Start: b.first, End: end, Rate: RateOf(b.times), Facts: q.facts(b)}
	slices.SortStableFunc(f.Reasons, func(x, y Reason) int { return cmp.Compare(y.Weight, x.Weight) })
	b.dossier().Fill(&f)
	f.Accounts = b.accounts.Values()
	for _, o := range b.broken {
		if o.v.account == unnamedLogin {
			continue
		}
		if !slices.Contains(f.Accounts, o.v.account) {
			f.Accounts = append(f.Accounts, o.v.account)
		}
		if !b.unsure && !slices.Contains(f.Opened, o.v.account) {
			f.Opened = append(f.Opened, o.v.account)
		}
	}
	slices.Sort(f.Accounts)
	slices.Sort(f.Opened)
	return f
}

// dossier is what the clients did: their failed logins, and those that succeeded.
func (b *guess) dossier() *Dossier {
	var d Dossier
	for _, g := range b.clients {
		n := g.failures().n
		if b.subject.Kind == Account {
			n = g.accounts.Of(b.subject.Value)
		}
		if c := d.Client(g.client); c != nil {
			c.FailedLogins += n
		}
		for host, n := range g.hosts.All {
			d.Hosts.Add(host, n)
		}
		d.Evidence.Add(g.first)
		d.Evidence.Add(g.last)
	}
	for _, o := range b.broken {
		if c := d.Client(o.g.client); c != nil {
			c.Logins += o.v.n
		}
		d.Counts.Logins += o.v.n
		d.Evidence.Mark("a login that succeeded: "+o.v.name(), o.v.line)
	}
	d.Counts.FailedLogins = b.n
	for _, at := range b.times {
		d.Buckets.Add(at, 0, 1)
	}
	return &d
}

func (b *guess) title() string {
	tries := plural(b.n, "failed login", "failed logins")
	var text string
	switch b.subject.Kind {
	case IP:
		text = fmt.Sprintf("%s: %s on %s", b.subject.Value, tries, b.tried())
	case Network:
		text = say("%s: %s on %s from %d addresses", b.subject.Value, tries, b.tried(), len(b.clients))
	case Account:
		text = say("Account %s: %s from %d addresses", b.subject.Value, tries, len(b.clients))
	default:
		text = say("%s on %s from %d addresses, few from each", tries, b.tried(), len(b.clients))
	}
	switch {
	case len(b.broken) == 0:
	case b.unsure:
		text += fmt.Sprintf(", then one that succeeded (%s): a device with an old password, or a guess", b.broken[0].v.name())
	default:
		text += ", then one that succeeded: " + b.broken[0].v.name()
		least := ""
		if slices.ContainsFunc(b.broken, func(o winner) bool { return o.g.more > 0 }) {
			least = "at least "
		}
		if n := len(b.broken) - 1; n > 0 {
			text += say(" and %s%d more", least, n)
		}
	}
	return text
}

// facts are what was tried, and what succeeded.
func (q *guessInquiry) facts(b *guess) []Fact {
	var facts []Fact
	if len(b.broken) > 0 {
		var words []string
		for _, o := range b.broken[:min(5, len(b.broken))] {
			words = append(words, fmt.Sprintf("%s from %s, %s after the first try, %s in all", o.v.name(), o.g.client.IP,
				duration(o.v.first.Sub(b.first)), plural(o.v.n, "login or message", "logins and messages")))
		}
		facts = append(facts, Fact{"succeeded", strings.Join(words, "; ")})
	}
	if b.accounts.Distinct() > 1 {
		var names []string
		for _, c := range b.accounts.Top(5) {
			names = append(names, say("%s (%d)", c.Value, c.Messages))
		}
		facts = append(facts, Fact{"tried most", strings.Join(names, ", ")})
	}
	if o := &q.w.nobody; 2*b.accounts.Total() < b.n && o.accounts.Distinct() > 0 && o.failures().first <= b.last && o.failures().last >= b.first {
		var names []string
		for _, c := range o.accounts.Top(5) {
			names = append(names, say("%s (%d)", c.Value, c.Messages))
		}
		facts = append(facts, Fact{"named elsewhere", say("the password server's own lines name %s in all, but no address; most often ",
			plural(o.accounts.Distinct(), "account", "accounts")) + strings.Join(names, ", ")})
	}
	if b.unknown > 0 {
		facts = append(facts, Fact{"unknown names", fmt.Sprintf("%s for names that the password server does not know", plural(b.unknown, "try", "tries"))})
	}
	return facts
}
