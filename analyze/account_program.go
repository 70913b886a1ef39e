package analyze

import "mailforensics/mail"

// A thief who writes in the account's own name, by day, to a good list, does what its owner does on a journey. What he does not have
// is the owner's program, which makes Message-IDs of a few patterns, and the owner's acquaintances. Neither proves anything by itself:
// the owner has a new telephone, or writes to all members of his club; and where the account is at home neither says anything.

const (
	programFrom  = 10  // Message-IDs that tell which programs an account has …
	programsMost = 4   // … if so many patterns are nearly all of them: those of some are random, and tell nothing
	programShare = 0.9 // nearly all
	contactsFrom = 12  // recipients of an account that say to whom it writes …
	strangersTo  = 50  // … and so many others of whom it knows hardly one are a list
)

// newProgram weighs that what came from elsewhere was written by another program, and to other people, than all else of the account,
// as far as all of that is remembered.
func (q *inquest) newProgram(c *charge) {
	if !c.isElsewhere() || !c.onePlace() || c.past > 0 || c.story != nil { // who is everywhere is an application, or told by that
		return
	}
	var usual, own Tally
	contacts := make(map[string]bool)
	for i, r := range c.records {
		shape := idShape(r.messageID)
		if c.in[i] {
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
		c.because("new-program", 0.15, "written by a program that the account has at no other time: none of %d other Message-IDs is made like these", usual.Total())
	}
	known := 0
	for to := range c.Recipients.All {
		if contacts[to] {
			known++
		}
	}
	if n := c.Recipients.Distinct(); n >= strangersTo && len(contacts) >= contactsFrom && 100*known <= n {
		c.because("to-strangers", 0.1, "of %d recipients the account wrote to %s at other times, when it wrote to %d", n, number(known), len(contacts))
	}
}
