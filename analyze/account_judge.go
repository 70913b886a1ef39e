package analyze

import (
	"math"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// judge gives a compromise its reasons and its score. As with bursts, weights are added: no single sign decides, and what speaks for bulk
// mail of the owner's own outweighs any rate.
func (q *accountInquiry) judge(c *compromise) {
	c.Argument = Argument{}
	q.judgeVolume(c)
	q.judgeManner(c)
	q.judgeSenders(c)
	q.judgeClients(c)
	q.judgeProgram(c)
	q.judgeOutcome(c)
	q.judgePrelude(c)
	strong := 0.0
	for _, r := range c.Reasons {
		if r.Code != "rate" && r.Code != "far-above-past" {
			strong += r.Weight
		}
	}
	q.judgeOwner(c)
	if c.isApplication() {
		c.atMost(q.thresholds.Score.Medium-0.05, "application",
			"it goes on throughout the log, in the same names and at the hours at which people here write, and nobody reads mail with it: an application that writes for others")
	}
	if c.Counts.Messages >= q.thresholds.Burst.AloneFrom || strong >= 0.4 {
		return
	}
	// A club's newsletter to an old list looks the same, and so do a traveller's invitations: they must be no more than low. But nearly as
	// many as AloneFrom, to recipients of whom a fifth does not exist, or at night from where the account never is, are worth knowing.
	const some = 20
	similar := ""
	switch {
	case c.Counts.Messages < some || !c.dense:
	case c.dead(0.2):
		similar = "a mailing to an outdated list looks similar"
	case c.isElsewhere() && q.isAtNight(c):
		similar = "what its owner writes on a journey looks similar"
	}
	if similar == "" {
		c.Score = 0
		return
	}
	c.atMost(q.thresholds.Score.Medium-0.05, "few-messages", say("only %s: %s", plural(c.Counts.Messages, "message", "messages"), similar))
}

// judgeVolume compares the number with what accounts here send in as long a time of a working day, and with what this one sends at
// other times.
func (q *accountInquiry) judgeVolume(c *compromise) {
	n, length := c.Counts.Messages, c.End.Sub(c.Start)
	hours := max(1, length.Hours())
	if c.dense {
		chance := PoissonTail(n, max(2, q.messagesPerDay*length.Hours()/workHours))
		c.because("rate", 0.1+0.4*min(1, max(0, -chance/60)), "%s in %s; %s at other times; accounts here send %.1f on a day when they send at all",
			plural(n, "message", "messages"), duration(length), number(c.outside), q.messagesPerDay)
	} else {
		weight := 0.1
		if c.dead(c.deadFrom(q.site, q.place(c))) { // an application sends as evenly, but to people who exist
			weight += 0.2 * min(1, max(0, -PoissonTail(n, max(2, q.messagesPerDay*length.Hours()/24))/60))
		}
		c.because("rate", weight, "%s in %s, never many at a time; accounts here send %.1f on a day when they send at all",
			plural(n, "message", "messages"), duration(length), q.messagesPerDay)
	}
	if c.timesOthers > 0 {
		weight := 0.2
		if c.timesOthers >= 3*manyTimes {
			weight = 0.3
		}
		always := ""
		if c.allAlong(q.site) {
			always = "throughout the log, and "
		}
		c.because("far-above-others", weight, "%s%d times what other accounts here send in a day", always, int(math.Round(c.timesOthers)))
	}
	// What the owner wrote meanwhile says as much as what he wrote at other times, and more where the log has few other hours.
	usual := max(float64(c.beside), float64(c.outside-c.beside)/max(1, q.site.Span()/60-hours)*hours)
	if times := float64(n) / max(1, usual); c.timesOthers == 0 && q.site.showsPast(c.outside) && (times >= 20 || times >= tooDense && !c.dense && n >= 100) {
		c.because("far-above-past", 0.1, "%d times what it sends in as long a time otherwise", int(math.Round(times)))
	}
}

// workHours is for how many hours of a day people write.
const workHours = 12

// judgeManner weighs to how many recipients each message went, and at which hours.
func (q *accountInquiry) judgeManner(c *compromise) {
	n := c.Counts.Messages
	if (2*c.strangeMessages > n || 2*c.forgedMessages >= n) && c.toMany() {
		c.because("many-recipients", 0.2, "%s in %s, far more per message than usual", plural(c.Counts.Recipients, "recipient", "recipients"), plural(n, "message", "messages"))
	}
	if night, when := q.atNight(c); oddHours(night, n) || c.End.Sub(c.Start) >= twoNights && 5*night >= n && night >= hardlyAny {
		c.because("odd-hours", 0.1, "%d of them at hours when %s", night, when)
	}
}

// isAtNight reports whether most of it was sent at night.
func (q *accountInquiry) isAtNight(c *compromise) bool {
	night, _ := q.atNight(c)
	return oddHours(night, c.Counts.Messages)
}

// oddHours reports whether most of n messages were sent at night.
func oddHours(night, n int) bool { return night >= hardlyAny && 2*night > n }

// Whoever sleeps sends hardly any messages at night. A program that goes on for days without a pause sends a fifth of them or more in the
// hours when hardly anybody else writes.
const (
	hardlyAny = 5
	twoNights = 48 * time.Hour
)

// hoursFrom is how many messages of others there must be to call an hour odd. An average hour has a twenty-fourth of a thousand, so
// fewer than five in one are no chance.
const hoursFrom = 1000

// atNight is how many of its messages were sent at hours at which hardly anybody writes otherwise; where the others are too few to tell, at
// hours at which the account itself never does; when is which of the two, in words. They are left out when the busy hours are found, or
// many at night would make the night busy. The account's messages of other nights are not.
func (q *accountInquiry) atNight(c *compromise) (night int, when string) {
	others := 0
	for i, n := range q.w.hours {
		others += n - c.hours[i]
	}
	if others < hoursFrom {
		return c.atOwnNight(), "it sends nothing on other days"
	}
	for i, n := range c.hours {
		if ratio(q.w.hours[i]-n, others) < 0.005 {
			night += n
		}
	}
	return night, "hardly anybody else here writes"
}

// atOwnNight is how many of its messages were sent at hours at which the account sends nothing on other days.
func (c *compromise) atOwnNight() (night int) {
	var others []mail.Instant
	for _, r := range c.records {
		if c.Start.Sub(r.time) >= anotherDay || r.time.Sub(c.End) >= anotherDay {
			others = append(others, r.time)
		}
	}
	asleep := nightOf(others)
	for _, t := range c.times {
		if asleep.has(t) {
			night++
		}
	}
	return night
}

func (q *accountInquiry) judgeSenders(c *compromise) {
	n := c.Counts.Messages
	switch {
	case 2*c.forgedMessages >= n:
		c.because("forged-sender", 0.3, "%d of %d messages name a sender that is neither the account nor in a domain of ours", c.forgedMessages, n)
	case c.share(otherSender) >= 0.5 && c.rotates() && c.newSenders():
		c.because("other-sender", 0.15, "%d of %d messages name a sender that is not the account, and that it never used before", c.marks[otherSender], n)
	}
}

// newSenders reports whether most messages name a sender that the account does not use at other times.
func (c *compromise) newSenders() bool {
	old := 0
	for sender, n := range c.Senders.All {
		if c.knownSenders[strings.ToLower(sender)] {
			old += n
		}
	}
	return 2*old < c.Counts.Messages
}

// judgeClients weighs from where the account was used, by messages and by logins.
func (q *accountInquiry) judgeClients(c *compromise) {
	if c.isElsewhere() {
		c.because("new-network", 0.15, "%d of %d messages from networks that the account uses at no other time", c.strangeMessages, c.Counts.Messages)
	}
	accesses := c.strangeAccesses()
	// A service's machines stand side by side in one network, and send in the account's own name to people who exist.
	service := c.onePlace() && c.oneName(q.site) && c.maintained(q.site)
	if n := closest(accesses, q.thresholds.Account.Together); n >= q.thresholds.Account.AtOnce && !service {
		c.because("addresses-at-once", 0.15, "%d addresses within %s", n, duration(q.thresholds.Account.Together))
	}
	switch nets := widest(accesses); {
	case nets >= 3*q.thresholds.Account.ManyNetworks:
		c.because("many-networks", 0.4, "%d networks (/16) within a day", nets)
	case nets >= q.thresholds.Account.ManyNetworks:
		c.because("many-networks", 0.25, "%d networks (/16) within a day", nets)
	case nets >= 3 && c.ownerIsKnown():
		c.because("networks", 0.1, "%d networks (/16) within a day", nets)
	}
	q.judgeCountries(c, accesses)
}

// judgeCountries weighs countries, where --geo knows them: new ones, and two within an hour.
func (q *accountInquiry) judgeCountries(c *compromise, accesses []access) {
	usual, foreign := make(map[string]bool), make(map[string]bool)
	for ip, p := range c.places {
		if p.Country != "" && c.homeNetworks[NetworkOf(ip)] {
			usual[p.Country] = true
		}
	}
	for _, a := range accesses {
		if a.place.Country != "" && !usual[a.place.Country] {
			foreign[a.place.Country] = true
		}
	}
	if len(foreign) > 0 && len(usual) > 0 {
		c.because("new-country", 0.15, "from %s, where it was never used before", strings.Join(sortedSet(foreign), ", "))
	}
	for i := 1; i < len(accesses); i++ {
		a, b := accesses[i-1], accesses[i]
		if a.place.Country != "" && b.place.Country != "" && a.place.Country != b.place.Country && b.time.Sub(a.time) < time.Hour {
			c.because("impossible-travel", 0.15, "from %s and from %s within %s", a.place.Country, b.place.Country, duration(b.time.Sub(a.time)))
			return
		}
	}
}

// judgeOutcome weighs what the recipients' servers said: a bought list is full of dead addresses, and its recipients complain.
func (q *accountInquiry) judgeOutcome(c *compromise) {
	n := c.Counts.Messages
	switch {
	case c.dead(0.2):
		c.because("many-bounces", 0.25, "%s", c.bounced())
	case c.dead(c.deadFrom(q.site, q.place(c))):
		c.because("bounces", 0.15, "%s", c.bounced())
	}
	if c.share(blockedOnce) >= 0.03 && c.marks[blockedOnce] >= 3 {
		c.because("blocked", 0.15, "%d were refused as unwanted by other servers", c.marks[blockedOnce])
	}
	refused := 0
	for _, r := range c.refused {
		if c.isPartOfIt(r) {
			refused++
		}
	}
	if refused >= 5 && ratio(refused, refused+n) >= 0.05 {
		c.because("refused-here", 0.1, "%d of its attempts were refused by this server", refused)
	}
}

// judgePrelude weighs what came before: failed logins, and an early login of the attacker. Where the log begins less than atHome before that
// login, nobody can say that its network was never used.
func (q *accountInquiry) judgePrelude(c *compromise) {
	if first := c.firstLogin(); first != nil && c.Start.Sub(first.time) >= lookRound && first.time.Sub(q.site.First) >= atHome && c.othersCouldSend() && c.ownerIsKnown() {
		c.because("look-round", 0.15, "a login from %s, a network that the account never used before, %s before the first message", first.place.IP, duration(c.Start.Sub(first.time)))
	}
	if n, ips := c.failedLogins(); n >= 10 {
		c.because("guessed", 0.1, "%s beforehand", c.failuresFrom(n, len(ips)))
	}
}

// lookRound is how long before the first message a login must be to be an attacker's trial of the password: the owner opens the mailbox some
// minutes before writing.
const lookRound = 10 * time.Minute

// judgeOwner weighs what speaks for bulk mail of the owner's own.
func (q *accountInquiry) judgeOwner(c *compromise) {
	if c.regular {
		c.because("regular", -0.2, "does the same on other days")
	}
	if c.share(listedMail) >= 0.5 {
		c.because("says-bulk", -0.15, "declares itself bulk (List or Precedence headers)")
	}
	if c.timesOthers == 0 && 2*c.direct >= c.Counts.Messages && c.atHome() { // throughout the log, the abuse itself would decide which client is usual
		c.because("usual-client", -0.3, "from an address that the account uses at other times")
	}
	if c.oneName(q.site) && 2*c.forgedMessages < c.Counts.Messages {
		c.because("own-sender", -0.1, "one sender: the account itself, or an address whose mail is delivered here")
	}
	toOurselves := c.isToOurselves(q.site)
	if toOurselves {
		c.because("to-ourselves", -0.2, "to our own recipients")
	}
	// That our own recipients exist says nothing more: whoever has an account here finds them in the address book.
	if !toOurselves || c.allAlong(q.site) {
		c.wanted(&c.Argument)
		c.mailing(q.site, q.sendingPlace(c), q.place(c), &c.Argument)
	}
}

// isToOurselves reports whether nearly all of it went to recipients of ours.
func (c *compromise) isToOurselves(site *Site) bool {
	ours := 0
	for domain, n := range c.RecipientDomains.All {
		if site.IsOurs(domain) {
			ours += n
		}
	}
	return ratio(ours, c.Counts.Recipients) >= enough
}

// sendingPlace tells where most of the mail came from, and whether at the account's night.
func (q *accountInquiry) sendingPlace(c *compromise) sendingPlace {
	switch {
	case c.atHome():
		return fromHome
	case q.isAtNight(c):
		return fromElsewhereAtNight
	}
	return fromElsewhere
}

// place tells how well it is known from where most of the mail came, at that time of day: at night, somebody else may be at the owner's
// computer or in his webmail.
func (q *accountInquiry) place(c *compromise) familiarity {
	switch {
	case c.isElsewhere():
		return strangePlace
	case c.atHome() && !q.isAtNight(c):
		return knownAddress
	}
	return unknownPlace
}

func sortedSet(set map[string]bool) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
