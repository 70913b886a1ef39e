package analyze

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// judge weighs a charge. As with bursts, weights are added: no single mark decides, and what speaks for the owner's own
// bulk outweighs any rate.
func (q *inquest) judge(c *charge) {
	c.weighing = weighing{}
	q.volume(c)
	q.manner(c)
	q.senders(c)
	q.clients(c)
	q.newProgram(c)
	q.outcome(c)
	q.chain(c)
	strong := 0.0
	for _, r := range c.reasons {
		if r.Code != "rate" && r.Code != "far-above-past" {
			strong += r.Weight
		}
	}
	q.owner(c)
	if c.Counts.Messages >= q.w.pass.Thresholds.Burst.AloneFrom || strong >= 0.4 {
		return
	}
	// A circular to a club's old list looks alike, and must be no more than low: but nearly as many as prove something, to people of
	// whom a fifth does not exist, is worth knowing.
	const some = 20
	if c.Counts.Messages < some || !c.dense || !c.dead(0.2) {
		c.score = 0
		return
	}
	c.atMost(q.w.pass.Thresholds.Score.Medium-0.05, "few-messages",
		say("%s are few: a letter to a list that was not kept looks alike", plural(c.Counts.Messages, "message", "messages")))
}

// volume weighs the number against what accounts here send in a day, cut down to the length of the window, and against what
// this one sends otherwise.
func (q *inquest) volume(c *charge) {
	n, length := c.Counts.Messages, c.End.Sub(c.Start)
	hours := max(1, length.Hours())
	if c.dense {
		chance := PoissonTail(n, max(2, q.like*length.Hours()/workHours))
		c.because("rate", 0.1+0.4*min(1, max(0, -chance/60)), "%s in %s; %s at other times, and accounts here send %.1f on a day on which they send",
			plural(n, "message", "messages"), duration(length), number(c.outside), q.like)
	} else {
		c.because("rate", 0.1, "%s in %s, never many at a time", plural(n, "message", "messages"), duration(length))
	}
	if c.always > 0 {
		weight := 0.2
		if c.always >= 3*manyTimes {
			weight = 0.3
		}
		c.because("far-above-others", weight, "as long as the log goes, and %d times what other accounts here send on a day", int(math.Round(c.always)))
	}
	// What the owner wrote meanwhile says as much as what he wrote at other times, and more where these were few hours.
	usual := max(float64(c.beside), float64(c.outside-c.beside)/max(1, q.site.Span()/60-hours)*hours)
	if times := float64(n) / max(1, usual); c.always == 0 && q.site.showsPast(c.outside) && (times >= 20 || times >= tooDense && !c.dense && n >= 100) {
		c.because("far-above-past", 0.1, "%d times what it sends otherwise in such a time", int(math.Round(times)))
	}
}

// oddHours reports whether most of n messages were sent at night.
func oddHours(night, n int) bool { return night >= 5 && 2*night > n }

// manner weighs to how many at a time, and when.
func (q *inquest) manner(c *charge) {
	n := c.Counts.Messages
	if (2*c.strangeN > n || 2*c.forgedN >= n) && c.toMany() {
		c.because("many-recipients", 0.2, "%s in %s, far more each than it writes to otherwise", plural(c.Counts.Recipients, "recipient", "recipients"), plural(n, "message", "messages"))
	}
	if night := q.atNight(c); oddHours(night, n) {
		c.because("odd-hours", 0.1, "%d of them at hours at which hardly anybody else here writes", night)
	}
}

// hoursFrom is from how many messages of others on hours can be called odd: where an hour has a fortieth of a thousand, fewer
// than five in it are no chance.
const hoursFrom = 1000

// atNight is how many messages of a charge fall into hours at which hardly anybody else writes. They do not count themselves:
// many at night would make the night a busy hour. The account's messages of other nights do.
func (q *inquest) atNight(c *charge) int {
	others := 0
	for i, n := range q.w.hours {
		others += n - c.hours[i]
	}
	if others < hoursFrom {
		return 0
	}
	night := 0
	for i, n := range c.hours {
		if ratio(q.w.hours[i]-n, others) < 0.005 {
			night += n
		}
	}
	return night
}

// workHours is how long people write on a day.
const workHours = 12

func (q *inquest) senders(c *charge) {
	n := c.Counts.Messages
	switch {
	case 2*c.forgedN >= n:
		c.because("forged-sender", 0.3, "%d of %d messages name a sender who is neither the account nor of a domain of ours", c.forgedN, n)
	case c.share(otherSender) >= 0.5 && c.rotates() && c.newSenders():
		c.because("other-sender", 0.15, "%d of %d messages name a sender that is not the account, and that it never used before", c.marks[otherSender], n)
	}
}

// homeLogins is how many logins there were from the networks in which the owner is at home.
func (c *charge) homeLogins() (n int) {
	for ip, p := range c.places {
		if c.usual[NetworkOf(ip)] {
			n += p.count()
		}
	}
	return n
}

// newSenders reports whether most senders are none that the account uses at other times.
func (c *charge) newSenders() bool {
	old := 0
	for sender, n := range c.Senders.All {
		if c.habits[strings.ToLower(sender)] {
			old += n
		}
	}
	return 2*old < c.Counts.Messages
}

// clients weighs from where it was used: by those who sent and by those who only logged in.
func (q *inquest) clients(c *charge) {
	if c.isElsewhere() {
		c.because("new-network", 0.15, "%d of %d messages from networks that the account uses at no other time", c.strangeN, c.Counts.Messages)
	}
	entries := c.arrivals()
	if n := closest(entries, q.w.pass.Thresholds.Account.Together); n >= q.w.pass.Thresholds.Account.AtOnce {
		c.because("addresses-at-once", 0.15, "%d addresses within %s", n, duration(q.w.pass.Thresholds.Account.Together))
	}
	switch nets := widest(entries); {
	case nets >= 3*q.w.pass.Thresholds.Account.ManyNetworks:
		c.because("many-networks", 0.4, "%d networks (/16) within a day", nets)
	case nets >= q.w.pass.Thresholds.Account.ManyNetworks:
		c.because("many-networks", 0.25, "%d networks (/16) within a day", nets)
	case nets >= 3 && c.known():
		c.because("networks", 0.1, "%d networks (/16) within a day", nets)
	}
	q.countries(c, entries)
}

// isElsewhere reports whether most came from where the account is at no other time, as far as it is seen then.
func (c *charge) isElsewhere() bool {
	return 2*c.strangeN > c.Counts.Messages && c.outside > 0 && c.known()
}

// arrivals are messages and logins from networks that are not the owner's, in order of time.
func (c *charge) arrivals() []entry {
	all := slices.Clone(c.entries)
	for i, r := range c.records {
		if c.strange[i] && r.time >= c.Start && r.time <= c.End {
			if p := c.places[r.client.IP.Unmap()]; p != nil {
				all = append(all, entry{r.time, p})
			}
		}
	}
	slices.SortFunc(all, compareEntries)
	return all
}

func compareEntries(a, b entry) int {
	return cmp.Or(cmp.Compare(a.time, b.time), a.at.IP.Compare(b.at.IP))
}

// closest is the most different addresses in a span.
func closest(all []entry, span time.Duration) (most int) {
	counts := make(map[netip.Addr]int)
	from := 0
	for _, e := range all {
		counts[e.at.IP]++
		for e.time.Sub(all[from].time) > span {
			if counts[all[from].at.IP]--; counts[all[from].at.IP] == 0 {
				delete(counts, all[from].at.IP)
			}
			from++
		}
		if len(counts) > most {
			most = len(counts)
		}
	}
	return most
}

// widest is the most different wide networks within a day.
func widest(all []entry) (most int) {
	counts := make(map[netip.Prefix]int)
	from := 0
	for _, e := range all {
		counts[wideNetwork(e.at.IP)]++
		for e.time.Sub(all[from].time) > 24*time.Hour {
			net := wideNetwork(all[from].at.IP)
			if counts[net]--; counts[net] == 0 {
				delete(counts, net)
			}
			from++
		}
		most = max(most, len(counts))
	}
	return most
}

// countries weighs countries, where they are known: ones that the account was never used from, and two at a time.
func (q *inquest) countries(c *charge, entries []entry) {
	usual, foreign := make(map[string]bool), make(map[string]bool)
	for ip, p := range c.places {
		if p.Country != "" && c.usual[NetworkOf(ip)] {
			usual[p.Country] = true
		}
	}
	for _, e := range entries {
		if e.at.Country != "" && !usual[e.at.Country] {
			foreign[e.at.Country] = true
		}
	}
	if len(foreign) > 0 && len(usual) > 0 {
		c.because("new-country", 0.15, "from %s, where it was never used before", strings.Join(sortedSet(foreign), ", "))
	}
	for i := 1; i < len(entries); i++ {
		a, b := entries[i-1], entries[i]
		if a.at.Country != "" && b.at.Country != "" && a.at.Country != b.at.Country && b.time.Sub(a.time) < time.Hour {
			c.because("impossible-travel", 0.15, "from %s and from %s within %s", a.at.Country, b.at.Country, duration(b.time.Sub(a.time)))
			return
		}
	}
}

func sortedSet(set map[string]bool) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// outcome weighs what the other side said: a bought list is full of dead addresses, and its readers complain.
func (q *inquest) outcome(c *charge) {
	n := c.Counts.Messages
	switch {
	case c.dead(0.2):
		c.because("many-bounces", 0.25, "%s", c.bounced())
	case c.dead(c.deadFrom(q.site, c.isElsewhere())):
		c.because("bounces", 0.15, "%s", c.bounced())
	}
	if c.share(blockedOnce) >= 0.03 && c.marks[blockedOnce] >= 3 {
		c.because("blocked", 0.15, "%d were refused elsewhere as unwanted", c.marks[blockedOnce])
	}
	refused := 0
	for _, r := range c.refused {
		if r.time >= c.Start && r.time <= c.End {
			refused++
		}
	}
	if refused >= 5 && ratio(refused, refused+n) >= 0.05 {
		c.because("refused-here", 0.1, "%d attempts of it were refused by ourselves", refused)
	}
}

// chain weighs what came before: guesses, and a look round. Where the log began less than atHome before the login, nobody can say that
// its network was never used.
func (q *inquest) chain(c *charge) {
	if first := c.firstEntry(); first != nil && c.Start.Sub(first.time) >= lookRound && first.time.Sub(q.site.First) >= atHome && c.reachable() && c.known() {
		c.because("look-round", 0.15, "logged in from %s, a network that the account never used, %s before the first message", first.at.IP, duration(c.Start.Sub(first.time)))
	}
	if n, ips := c.guesses(); n >= 10 {
		c.because("guessed", 0.1, "%d failed logins from %s before", n, plural(ips, "address", "addresses"))
	}
}

// lookRound is how long before the first message a login is a look round: whoever writes opens his mailbox some minutes before.
const lookRound = 10 * time.Minute

// known reports whether anything was seen of the owner: in a log of a day, the one network of an account that sends its yearly
// letter may as well be his, and "never used" says nothing where nothing else was used.
func (c *charge) known() bool { return c.outside+c.homeLogins() >= habit }

// reachable reports whether somebody else can have sent it: not all came from the owner's own addresses.
func (c *charge) reachable() bool { return 2*c.direct < c.Counts.Messages }

// firstEntry is the first login from a network that is not the owner's, nil where there is none.
func (c *charge) firstEntry() *entry {
	if len(c.entries) == 0 {
		return nil
	}
	return &c.entries[0]
}

// guesses is how many failed logins from networks that are not the owner's there were in the week before, and from how many
// addresses.
func (c *charge) guesses() (n, ips int) {
	const week = 7 * 24 * time.Hour
	until := c.Start
	if first := c.firstEntry(); first != nil {
		until = min(until, first.time)
	}
	seen := make(map[netip.Addr]bool)
	for _, f := range c.failures {
		if f.time <= until && until.Sub(f.time) <= week && !c.usual[NetworkOf(f.ip)] {
			n++
			seen[f.ip] = true
		}
	}
	return n, len(seen)
}

// owner weighs what speaks for bulk of the owner's own.
func (q *inquest) owner(c *charge) {
	if c.regular {
		c.because("regular", -0.2, "does the like on other days")
	}
	if c.share(listedMail) >= 0.5 {
		c.because("says-bulk", -0.15, "says of itself that it is bulk (List or Precedence headers)")
	}
	if c.always == 0 && 2*c.direct >= c.Counts.Messages && c.atHome() { // or the abuse itself says where home is
		c.because("usual-client", -0.3, "from an address that the account uses at other times")
	}
	if c.oneName(q.site) && 2*c.forgedN < c.Counts.Messages {
		c.because("own-sender", -0.1, "in one name, the account's own or one whose mail is delivered here")
	}
	c.wanted(c.because)
	c.letter(q.site, c.atHome(), oddHours(q.atNight(c), c.Counts.Messages), c.because)
	ours := 0
	for domain, n := range c.RecipientDomains.All {
		if q.site.IsOurs(domain) {
			ours += n
		}
	}
	if ratio(ours, c.Counts.Recipients) >= enough {
		c.because("to-ourselves", -0.2, "to recipients of our own")
	}
}

// atHome reports whether most came from networks that are known to be the owner's.
func (c *charge) atHome() bool {
	n := 0
	for ip, client := range c.batch.clients {
		if c.usual[NetworkOf(ip)] {
			n += client.Messages
		}
	}
	return 2*n > c.Counts.Messages
}

// entriesOf is the logins that belong to a charge, where somebody else can have sent it: from networks that are not the owner's, no more than a day before the
// first message or after the last, or than a day apart from another such login, and a week before at most.
func (c *charge) entriesOf() []entry {
	if !c.reachable() {
		return nil
	}
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	all := c.strangeLogins()
	from, to := c.Start, c.End
	for i := len(all) - 1; i >= 0; i-- {
		if t := all[i].time; t < from && from.Sub(t) <= day && c.Start.Sub(t) <= week {
			from = t
		}
	}
	for _, e := range all {
		if e.time > to && e.time.Sub(to) <= day && e.time.Sub(c.End) <= week {
			to = e.time
		}
	}
	return slices.DeleteFunc(all, func(e entry) bool { return e.time < from || e.time > to })
}

// strangeLogins are the logins from networks that are not the owner's, in order of time.
func (s *suspect) strangeLogins() []entry {
	var all []entry
	for ip, p := range s.places {
		if !s.isStrange(ip, p.Name) {
			continue
		}
		for _, in := range p.logins {
			all = append(all, entry{in.time, p})
		}
	}
	slices.SortFunc(all, compareEntries)
	return all
}
