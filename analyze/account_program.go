package analyze

import "mailforensics/mail"

// An attacker who writes in the account's own name, by day, to a good list, looks like its owner on a journey. What he does not have is
// the owner's mail program, which makes Message-IDs of a few patterns, and the owner's contacts. Neither proves anything by itself: the
// owner may have a new phone, or write to all members of a club. From the owner's own networks neither says anything.

const (
	programFrom  = 10  // so many Message-IDs tell which programs an account uses …
	programsMost = 4   // … if they have no more patterns than this: some programs make random ones, which tell nothing
	programShare = 0.9 // … but for one in ten
	contactsFrom = 12  // so many recipients tell to whom an account writes …
	strangersTo  = 50  // … and so many others, nearly none of them among these, are a list
)

// judgeProgram weighs that mail from elsewhere was written by another program, and to other people, than all other mail of the account,
// as long as all of that is remembered.
func (q *accountInquiry) judgeProgram(c *compromise) {
	if !c.isElsewhere() || !c.onePlace() || c.pastMessages > 0 || c.story != nil { // from many places: an application, or suspicious for that
		return
	}
	var usual, own Tally
	contacts := make(map[string]bool)
	for i, r := range c.records {
		shape := idShape(r.messageID)
		if c.counted[i] {
			addNamed(&own, shape)
			continue
		}
		addNamed(&usual, shape)
		r.recipients(func(to *recalled) { contacts[mail.Fold(to.address)] = true })
	}
	covered := 0
	for _, shape := range usual.Top(programsMost) {
		covered += shape.Messages
	}
	shape, share := own.Most()
	if usual.Total() >= programFrom && ratio(covered, usual.Total()) >= programShare && own.Total() >= programFrom && share >= programShare && usual.Of(shape) == 0 {
		c.because("new-program", 0.15, "written by a mail program that the account does not use otherwise: none of its %d other Message-IDs has this pattern", usual.Total())
	}
	known := 0
	for to := range c.Recipients.All {
		if contacts[to] {
			known++
		}
	}
	if n := c.Recipients.Distinct(); n >= strangersTo && len(contacts) >= contactsFrom && 100*known <= n {
		c.because("to-strangers", 0.1, "of %d recipients, %s are among the %d that the account wrote to at other times", n, number(known), len(contacts))
	}
}
