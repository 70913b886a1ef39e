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

// finding is what a report says of a compromise. next is when the account's next one begins.
func (q *accountInquiry) finding(c *compromise, next mail.Instant) Finding {
	slices.Sort(c.times)
	f := Finding{
		Subject:  Subject{Account, c.spelling},
		Argument: c.Argument,
		Rate:     RateOf(c.times),
		Start:    c.Start,
		End:      c.End,
	}
	slices.SortStableFunc(f.Reasons, func(a, b Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	c.countLogins()
	later := c.refusals(next)
	c.Counts.FailedLogins, _ = c.failedLogins()
	c.mark()
	f.Title = c.title()
	f.Facts = append(f.Facts, c.facts()...)
	later.tell(&f, "the login")
	c.Fill(&f)
	f.Accounts = withName(f.Accounts, c.spelling)
	return f
}

// withName is accounts with the subject in one spelling, its own.
func withName(accounts []string, name string) []string {
	rest := slices.DeleteFunc(accounts, func(a string) bool { return loginKey(a) == loginKey(name) })
	rest = append(rest, name)
	slices.Sort(rest)
	return rest
}

// countLogins adds the addresses of the related logins: they are clients of the finding even if they sent nothing.
func (c *compromise) countLogins() {
	if len(c.relatedLogins) == 0 {
		return
	}
	from, to := c.relatedLogins[0].time, c.relatedLogins[len(c.relatedLogins)-1].time
	seen := make(map[netip.Addr]bool)
	for _, a := range c.relatedLogins {
		if seen[a.place.IP] {
			continue
		}
		seen[a.place.IP] = true
		if client := c.Client(a.place.Client); client != nil {
			client.Logins = a.place.loginsBetween(from, to)
			c.Counts.Logins += client.Logins
		}
	}
}

// refusals counts the attempts that we refused, and returns those of the same addresses that came after it, before the next compromise.
func (c *compromise) refusals(next mail.Instant) (later laterRefusals) {
	later.atLeast = c.refusedLost > 0
	for _, r := range c.refused {
		if r.time > c.End && r.time < next && c.batch.clients[r.ip] != nil {
			later.add(r.time)
		}
		if !c.isPartOfIt(r) {
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

// isPartOfIt reports whether a refused attempt is one more of whoever sent it: not one of the owner's, who mistypes addresses at home
// meanwhile.
func (c *compromise) isPartOfIt(r refusal) bool {
	return r.time >= c.Start && r.time <= c.End && (c.batch.clients[r.ip] != nil || c.isStrange(r.ip, ""))
}

// mark chooses the log lines of the logins that matter as evidence.
func (c *compromise) mark() {
	if first := c.firstLogin(); first != nil {
		role := "the first login from a strange network"
		switch {
		case !c.ownerIsKnown():
			role = "the first login"
		case first.time < c.Start:
			role = "the attacker's first login, before the first message"
		}
		c.Evidence.Mark(role, first.place.line)
	}
	if latest := c.lastLoginBefore(); latest != nil && latest.place != c.relatedLogins[0].place {
		c.Evidence.Mark("the last login before the first message", latest.place.line)
	}
}

// title is the finding in one sentence.
func (c *compromise) title() string {
	if c.Counts.Messages == 0 {
		return fmt.Sprintf("Account %s: strangers logged in from %s in %s, and sent nothing", c.spelling, plural(len(c.loginAddresses()), "address", "addresses"), duration(c.End.Sub(c.Start)))
	}
	what := plural(c.Counts.Messages, "message", "messages")
	if c.Counts.Recipients >= manyToEach*c.Counts.Messages {
		what += " to " + plural(c.Counts.Recipients, "recipient", "recipients")
	}
	was := "was"
	if c.q.thresholds.Score.Severity(c.Score) < High {
		was = "may have been"
	}
	text := fmt.Sprintf("Account %s %s abused: %s in %s", c.spelling, was, what, duration(c.End.Sub(c.Start)))
	switch via, name := c.via(); via {
	case "webmail":
		text += " through " + name
	default:
		if n := c.senderAddresses(); n > 1 {
			text += say(" from %d addresses", n)
		}
	}
	if n := len(c.loginAddresses()); n > 0 && c.ownerIsKnown() {
		text += fmt.Sprintf("; strangers logged in from %s", plural(n, "address", "addresses"))
	}
	if c.Score < c.q.thresholds.Score.Medium {
		text = fmt.Sprintf("Account %s sent %s in %s", c.spelling, plural(c.Counts.Messages, "message", "messages"), duration(c.End.Sub(c.Start)))
	}
	return text
}

// senderAddresses is how many addresses sent, not counting those that only logged in.
func (c *compromise) senderAddresses() int {
	n := 0
	for _, client := range c.batch.clients {
		if client.Messages > 0 {
			n++
		}
	}
	return n
}

// via is how the messages came in: through a host of ours that hands in for many accounts (name), by the submission service, or by port
// 25.
func (c *compromise) via() (way, name string) {
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

// facts are what no other field of the finding has.
func (c *compromise) facts() []Fact {
	var facts []Fact
	add := func(name, text string, args ...any) { facts = append(facts, Fact{name, say(text, args...)}) }
	switch way, name := c.via(); way {
	case "webmail":
		add("handed in by", "%s, a host of ours that many accounts send through (webmail, gateway): the real clients are behind it", name)
	default:
		add("handed in by", "%s, directly by the clients", way)
	}
	if n, ips := c.failedLogins(); n > 0 {
		sent, then := c.sentFrom(ips), ""
		if len(sent) > 0 {
			then = "; then used from " + someNames(sent)
		}
		add("failed before", "%s in the week before%s", c.failuresFrom(n, len(ips)), then)
	}
	if first := c.firstLogin(); first != nil {
		when := fmt.Sprintf("%s before the first message", duration(c.Start.Sub(first.time)))
		if first.time >= c.Start {
			when = fmt.Sprintf("%s after the first message", duration(first.time.Sub(c.Start)))
		}
		named, ips := "strange ", c.loginAddresses()
		if !c.ownerIsKnown() {
			named = ""
		}
		add("first "+named+"login", "%s, %s", first.place.IP, when)
		add(named+"logins", "%s from %s: %s", plural(c.Counts.Logins, "login", "logins"), plural(len(ips), "address", "addresses"), someNames(ips))
	}
	if ramp := c.rampUp(); ramp > 0 {
		add("ramp", "%s from the first message to full speed", duration(ramp))
	}
	if home := c.homeAddresses(); len(home) > 0 {
		add("usual addresses", "%s: the owner's, because mail was sent and read from there at other times; counted as clients only if they sent", strings.Join(home, ", "))
	}
	if c.beside > 0 {
		add("beside it", "%s of the owner at the same time: not counted", plural(c.beside, "message", "messages"))
	}
	if c.outside > c.beside {
		add(Otherwise, "%s of the same account at other times: not counted", plural(c.outside-c.beside, "message", "messages"))
	}
	return facts
}

// rampUp is the time from the first message to the first ten minutes with half as many messages as the busiest; 0: it began at full
// speed.
func (c *compromise) rampUp() time.Duration {
	most, _ := Peak(c.times, rampSpan)
	for i := range c.times {
		if n, _ := Peak(c.times[i:min(len(c.times), i+most)], rampSpan); 2*n >= most && c.times[min(len(c.times)-1, i+most/2)].Sub(c.times[i]) <= rampSpan {
			return c.times[i].Sub(c.times[0]).Round(time.Second)
		}
	}
	return 0
}

const rampSpan = 10 * time.Minute

// homeAddresses are the five of the owner's addresses that were used most.
func (c *compromise) homeAddresses() []string {
	var known []*place
	for ip, p := range c.places {
		if c.homeNetworks[NetworkOf(ip)] && !c.q.site.IsOwn(ip) {
			known = append(known, p)
		}
	}
	slices.SortFunc(known, func(a, b *place) int {
		return cmp.Or(cmp.Compare(b.Messages+b.loginCount(), a.Messages+a.loginCount()), a.IP.Compare(b.IP))
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
