package analyze

import (
	"mailforensics/mail"
)

// bulk weighs what speaks for bulk mail that its recipients want, however it came in.
func (c *candidate) bulk(j *judge) {
	if c.regular && !j.isStolenProgram(c) {
		c.because("regular", -0.2, "does the same on other days")
	}
	if c.share(listedMail) >= 0.5 {
		c.because("says-bulk", -0.15, "declares itself bulk (List or Precedence headers)")
	}
	if c.share(variableSender) >= enough {
		c.because("verp", -0.2, "each sender contains the recipient (VERP): somebody wants to know about bounces")
	}
}

func (c *candidate) honestStranger(j *judge) {
	named := c.share(unnamedClient)+c.share(genericClient)+c.share(rentedClient) < 1-enough
	badOutcome := ratio(c.unknown.Total()+c.refusedU, c.Counts.Recipients+c.refusedU) >= 0.1
	switch {
	case c.sideBySide(c.domainsOfClients()):
	case named && c.share(ownNameSender) >= enough:
		weight := -0.45
		if badOutcome {
			weight = -0.2
		}
		c.because("own-name", weight, "a mail server that sends for its own domain")
	case named && !badOutcome && c.share(oddHELO)+c.share(numericHELO) < 1-enough:
		// A forwarder or a filter sends for many domains, too, but is seen every day.
		weight := -0.3
		if c.outside == 0 && c.Counts.Messages >= j.limits.AloneFrom && c.sendersDiffer() {
			weight = -0.1
		}
		c.because("named-server", weight, "a mail server with a name of its own, whose recipients exist")
	}
	if named && j.fills(c) && ratio(c.Counts.Messages, j.site.Population.Strangers) >= enough {
		c.because("gateway", -0.3, "nearly all incoming mail came through it, throughout the log")
	}
	if people := c.usualPeople(); people >= manyNames && !badOutcome {
		c.because("usual-senders", -0.4, "%d of its senders wrote from there on other days, too: mail that had to wait comes all at once", people)
	}
	if c.outside >= manyTimes*c.Counts.Messages {
		c.because("well-known", -0.2, "%s at other times: what is odd now is always so", c.elsewhere())
	}
	if c.share(nullSender) >= enough {
		c.because("notices", -0.3, "bounces from other servers, not mail")
	}
	if c.Recipients.Distinct() <= 3 && organisations(&c.SenderDomains) == 1 {
		c.because("to-few", -0.6, "from one organisation to %s: machines that report", plural(c.Recipients.Distinct(), "recipient", "recipients"))
	}
}

// usualPeople is how many of the senders wrote from there on several other days, too; none where these are not most of them by their
// messages, or one of them is. An office's server that nobody could reach hands in all that waited within minutes.
func (c *candidate) usualPeople() int {
	const otherDays = 2
	if _, share := c.Senders.Most(); 2*share > 1 || c.beside > 0 {
		return 0
	}
	if c.history.daysBeside(c.Start, c.End, otherDays) < otherDays {
		return 0
	}
	uses := c.history.uses()
	usual, messages := 0, 0
	for sender, n := range c.Senders.All {
		if times := uses[sender]; len(times) > 0 && (times[0] < c.Start || times[len(times)-1] > c.End) {
			usual++
			messages += n
		}
	}
	if 2*messages <= c.Counts.Messages {
		return 0
	}
	return usual
}

func (c *candidate) honestLogin(j *judge) {
	switch {
	case c.subject.Kind != Account && j.allOurs(c):
		c.because("own-address", -0.4, "an address of ours, from which many log in")
	case c.subject.Kind != Account && c.office(j.fewOfEach(c), j.site):
		c.because("many-people", -0.4, "%d accounts with a few messages each, in their own names: an office or a webmail host", c.Accounts.Distinct())
	case c.place == knownAddress:
		c.because("usual-client", -0.3, "from an address that the account uses at other times")
	case c.place == knownNetwork:
		c.because("usual-network", -0.15, "from a network that the account uses at other times")
	}
	if c.oneName(j.site) {
		c.because("own-sender", -0.1, "one sender: the account itself, or an address whose mail is delivered here")
	}
	c.wanted(&c.Argument)
	from := fromElsewhere
	if c.place == knownAddress {
		from = fromHome
	}
	c.mailing(j.site, from, c.placeThen(), &c.Argument)
}

// wanted weighs that those to whom it went took it.
func (b *batch) wanted(a *Argument) {
	switch {
	case b.share(blockedOnce) >= 0.03:
	case b.bouncedShare() < 0.03:
		a.because("wanted", -0.15, "hardly any bounces")
	case !b.dead(manyRefused):
		a.because("wanted", -0.1, "few bounces")
	}
}

// office reports whether many accounts write a few mails each, in their own names, from one place.
func (c *candidate) office(few int, site *Site) bool {
	accounts := c.Accounts.Distinct()
	return accounts >= 5 && c.Counts.Messages < few*accounts && ratio(c.foreignSenders(site), c.Counts.Messages) < 0.1 && !c.bounces(0.08)
}

func (c *candidate) honestLocal(j *judge) {
	switch {
	case c.share(blockedOnce) >= 0.03:
	case c.bouncedShare() < 0.03:
		c.because("wanted", -0.35, "hardly any bounces")
	case c.bouncedShare() < 0.08:
		c.because("wanted", -0.2, "few bounces")
	case c.accepted(j.site) && !c.dead(j.programDeadFrom(c)):
		c.because("wanted", -0.1, "no more bounces than an old list has, and hardly anybody minded")
	}
	// The same user may tell a customer of his order in between.
	if sender, share := c.Senders.Most(); share >= 0.95 && j.site.IsOurs(mail.Domain(sender)) {
		c.because("own-sender", -0.1, "one sender, in our own domain")
	}
	if reports(&c.Recipients) {
		c.because("reports", -0.5, "to addresses for DMARC reports")
	}
	if j.site.areAnswers(c.marks[nullSender], c.Counts.Messages, &c.Recipients) {
		c.because("replies", -0.8, "with the null sender, to those who wrote here: out-of-office replies and the like") // whom spam reaches, too
	}
	ours := 0
	for _, d := range c.RecipientDomains.Top(topMost) {
		if j.site.IsOurs(d.Value) {
			ours += d.Messages
		}
	}
	switch toUs := ratio(ours, c.Counts.Recipients) >= enough; {
	case toUs && c.Recipients.Distinct() <= 5:
		c.because("to-ourselves", -0.4, "a machine's reports to its administrators")
	case toUs:
		c.because("to-ourselves", -0.2, "to our own recipients")
	}
}

// reports reports whether most recipients are addresses for DMARC reports (RFC 7489, section 6.3: rua), judging by their names. Many of
// them are dead, because nobody reads what was once set up.
func reports(recipients *Tally) bool {
	n := 0
	most := recipients.Top(topMost)
	for _, r := range most {
		if containsFold(r.Value, "dmarc") {
			n++
		}
	}
	return 2*n > len(most)
}
