package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// finding tells a charge.
func (q *inquest) finding(c *charge, next mail.Instant) Finding {
	slices.Sort(c.times)
	f := Finding{
		Subject: Subject{Account, c.spelling},
		Score:   c.score,
		Rate:    RateOf(c.times),
		Start:   c.Start,
		End:     c.End,
		Reasons: c.reasons,
	}
	slices.SortStableFunc(f.Reasons, func(a, b Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	c.countLogins()
	later := c.refusals(next)
	c.Counts.FailedLogins, _ = c.guesses()
	c.mark()
	f.Title = c.title()
	f.Facts = append(f.Facts, c.tale()...)
	later.tell(&f, "the login")
	c.Fill(&f)
	f.Accounts = withName(f.Accounts, c.spelling)
	return f
}

// withName is accounts in one spelling, that of the subject.
func withName(accounts []string, name string) []string {
	rest := slices.DeleteFunc(accounts, func(a string) bool { return loginKey(a) == loginKey(name) })
	rest = append(rest, name)
	slices.Sort(rest)
	return rest
}

// countLogins adds the addresses that logged in without the owner: they are clients of the finding though they sent nothing.
func (c *charge) countLogins() {
	if len(c.entries) == 0 {
		return
	}
	from, to := c.entries[0].time, c.entries[len(c.entries)-1].time
	seen := make(map[netip.Addr]bool)
	for _, e := range c.entries {
		if seen[e.at.IP] {
			continue
		}
		seen[e.at.IP] = true
		if client := c.Client(e.at.Client); client != nil {
			client.Logins = e.at.between(from, to)
			c.Counts.Logins += client.Logins
		}
	}
}

// between is how many logins fall into a time, or all of them where there are more than are remembered one by one.
func (p *place) between(from, to mail.Instant) int {
	if p.loggedIn[byServer]+p.loggedIn[byWebmail] > len(p.logins) {
		return p.count()
	}
	return p.within(from, to)
}

// refusals adds the attempts that we refused, and yields those of the same addresses that came later, before the next charge.
func (c *charge) refusals(next mail.Instant) (later knocks) {
	for _, r := range c.refused {
		if r.time > c.End && r.time < next && c.batch.clients[r.ip] != nil {
			later.add(r.time)
		}
		if r.time < c.Start || r.time > c.End {
			continue
		}
		c.Counts.Rejected++
		c.Buckets.Add(r.time, 0, 1)
		if client := c.batch.clients[r.ip]; client != nil {
			client.Rejected++
		}
	}
	return later
}

// mark chooses the lines of the chain.
func (c *charge) mark() {
	if first := c.firstEntry(); first != nil {
		role := "the first login from a strange network"
		switch {
		case !c.known():
			role = "the first login"
		case first.time < c.Start:
			role = "a look round: the first login from a strange network"
		}
		c.Evidence.Mark(role, first.at.line)
	}
	if latest := c.latestEntry(); latest != nil && latest.at != c.entries[0].at {
		c.Evidence.Mark("the last login before the first message", latest.at.line)
	}
	slices.SortFunc(c.failures, func(a, b failure) int {
		return cmp.Or(cmp.Compare(a.time, b.time), strings.Compare(a.line, b.line))
	})
}

// latestEntry is the last strange login before the first message, where its address logged in once and for that.
func (c *charge) latestEntry() *entry {
	var latest *entry
	for i := range c.entries {
		if e := &c.entries[i]; e.time < c.Start && e.at.line.Time == e.time {
			latest = e
		}
	}
	return latest
}

// title is what a person would say.
func (c *charge) title() string {
	if c.Counts.Messages == 0 {
		return fmt.Sprintf("Account %s: strangers logged in from %s in %s, and sent nothing", c.spelling, plural(len(c.entryAddresses()), "address", "addresses"), duration(c.End.Sub(c.Start)))
	}
	what := plural(c.Counts.Messages, "message", "messages")
	if c.Counts.Recipients >= readersEach*c.Counts.Messages {
		what += " to " + plural(c.Counts.Recipients, "recipient", "recipients")
	}
	was := "was"
	if c.q.w.pass.Thresholds.Score.Severity(c.score) < High {
		was = "may have been"
	}
	text := fmt.Sprintf("Account %s %s abused: %s in %s", c.spelling, was, what, duration(c.End.Sub(c.Start)))
	switch via, name := c.via(); via {
	case "webmail":
		text += " by way of " + name
	default:
		if n := c.senderAddresses(); n > 1 {
			text += say(" from %d addresses", n)
		}
	}
	if n := len(c.entryAddresses()); n > 0 && c.known() {
		text += fmt.Sprintf("; strangers logged in from %s", plural(n, "address", "addresses"))
	}
	if c.score < c.q.w.pass.Thresholds.Score.Medium {
		text = fmt.Sprintf("Account %s sent %s in %s", c.spelling, plural(c.Counts.Messages, "message", "messages"), duration(c.End.Sub(c.Start)))
	}
	return text
}

// senderAddresses is how many addresses sent; the clients that only logged in are not among them.
func (c *charge) senderAddresses() int {
	n := 0
	for _, client := range c.batch.clients {
		if client.Messages > 0 {
			n++
		}
	}
	return n
}

func (c *charge) entryAddresses() []string {
	seen := make(map[string]bool)
	for _, e := range c.entries {
		seen[e.at.IP.String()] = true
	}
	return sortedSet(seen)
}

// via is by which way the messages came in: through a host of ours that hands in for many accounts, by the submission
// service, or by the port for other servers.
func (c *charge) via() (way, name string) {
	own, submitted, most := 0, 0, 0
	for ip, client := range c.batch.clients {
		if !c.q.site.IsOwn(ip) {
			continue
		}
		own += client.Messages
		called := cmp.Or(client.Name, ip.String())
		if ip.IsLoopback() { // a webmail beside the mail server: "localhost" says nothing to whoever reads it elsewhere
			host, _ := c.Hosts.Most()
			called = hostWords(host)
		}
		if client.Messages > most || client.Messages == most && called < name {
			most, name = client.Messages, called // of several the one with most: the order of a map means nothing
		}
	}
	if 2*own > c.Counts.Messages {
		return "webmail", name
	}
	for _, e := range c.Evidence.Lines(0) {
		if containsFold(e.Text, "submission") || containsFold(e.Text, "smtps") || strings.Contains(e.Text, ":587") || strings.Contains(e.Text, ":465") {
			submitted++
		}
	}
	if submitted > 0 {
		return "submission", ""
	}
	return "SMTP with a login", ""
}

// tale is the chain in words.
func (c *charge) tale() []Fact {
	var facts []Fact
	add := func(name, text string, args ...any) { facts = append(facts, Fact{name, say(text, args...)}) }
	switch way, name := c.via(); way {
	case "webmail":
		add("handed in by", "%s, a host of ours that many accounts send through (webmail, gateway): the senders are behind it", name)
	default:
		add("handed in by", "%s, by the clients themselves", way)
	}
	if n, ips := c.guesses(); n > 0 {
		add("guesses before", "%s from %s in the week before", plural(n, "failed login", "failed logins"), plural(ips, "address", "addresses"))
	}
	if first := c.firstEntry(); first != nil {
		when := fmt.Sprintf("%s before the first message", duration(c.Start.Sub(first.time)))
		if first.time >= c.Start {
			when = fmt.Sprintf("%s after the first message", duration(first.time.Sub(c.Start)))
		}
		named, ips := "strange ", c.entryAddresses()
		if !c.known() {
			named = ""
		}
		add("first "+named+"login", "%s, %s", first.at.IP, when)
		add(named+"logins", "%s from %s: %s", plural(c.Counts.Logins, "login", "logins"), plural(len(ips), "address", "addresses"), someNames(ips))
	}
	if lead := c.lead(); lead > 0 {
		add("ramp", "%s from the first message to full speed", duration(lead))
	}
	if home := c.homes(); len(home) > 0 {
		add("usual addresses", "%s: the owner's by what was sent and read from there at other times; not counted as clients unless it sent", strings.Join(home, ", "))
	}
	if c.beside > 0 {
		add("beside it", "%s of the owner at the same time: not counted", plural(c.beside, "message", "messages"))
	}
	if c.outside > c.beside {
		add("otherwise", "%s of the same account at other times: not counted", plural(c.outside-c.beside, "message", "messages"))
	}
	return facts
}

// lead is the time from the first message to the first ten minutes with half as many messages as the fullest; 0 where it
// began at full speed.
func (c *charge) lead() time.Duration {
	most, _ := Peak(c.times, lateSpan)
	for i := range c.times {
		if n, _ := Peak(c.times[i:min(len(c.times), i+most)], lateSpan); 2*n >= most && c.times[min(len(c.times)-1, i+most/2)].Sub(c.times[i]) <= lateSpan {
			return c.times[i].Sub(c.times[0]).Round(time.Second)
		}
	}
	return 0
}

const lateSpan = 10 * time.Minute

// homes are the owner's addresses, at most five: those that were used most.
func (c *charge) homes() []string {
	var known []*place
	for ip, p := range c.places {
		if c.usual[NetworkOf(ip)] && !c.q.site.IsOwn(ip) {
			known = append(known, p)
		}
	}
	slices.SortFunc(known, func(a, b *place) int {
		return cmp.Or(cmp.Compare(b.Messages+b.count(), a.Messages+a.count()), a.IP.Compare(b.IP))
	})
	var names []string
	for _, p := range known[:min(5, len(known))] {
		names = append(names, p.IP.String())
	}
	if more := len(known) - 5; more > 0 {
		names = append(names, say("%d more", more))
	}
	return names
}

// visits is the charge of an account that sent next to nothing but was used from everywhere: somebody has its password, and
// looks round.
func (q *inquest) visits(l *login) []*charge {
	if len(l.places) < q.w.pass.Thresholds.Account.ManyNetworks {
		return nil
	}
	s := &suspect{login: l, q: q}
	s.learn()
	c := &charge{suspect: s, batch: newBatch(), entries: s.strangeLogins()}
	nets := widest(c.entries)
	if nets < q.w.pass.Thresholds.Account.ManyNetworks || nets <= q.nets {
		return nil
	}
	for _, e := range c.entries {
		c.seen(e.time)
		c.Evidence.Add(e.at.line)
	}
	c.outside = l.sent
	c.because("many-networks", 0.35, "logins from %d networks (/16) within a day, and nothing was sent; nineteen of twenty accounts were used from %d at most, ever", nets, q.nets)
	if n := closest(c.entries, q.w.pass.Thresholds.Account.Together); n >= q.w.pass.Thresholds.Account.AtOnce {
		c.because("addresses-at-once", 0.15, "%d addresses within %s", n, duration(q.w.pass.Thresholds.Account.Together))
	}
	q.countries(c, c.entries)
	q.chain(c)
	return []*charge{c}
}
