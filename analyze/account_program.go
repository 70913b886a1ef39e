package analyze

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

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

// isApplication reports whether it is what a program sends that writes for others, from whatever addresses: as long as the account is used,
// in others' names that come again, at the hours at which people here write, and to people most of whom exist. Nobody looks into its
// mailbox but the program itself, at even intervals, from yet another address each time. What a thief sends begins some day, goes on at
// night, takes a new name for each message, or goes to a list of which a fifth is dead; and who has his bots try the password looks in at
// any time.
func (c *compromise) isApplication() bool {
	const dead = 0.2
	site := c.q.site
	log := site.Last.Sub(site.First)
	if c.story != nil || c.pastMessages > 0 || len(c.records) < c.q.thresholds.Burst.AloneFrom || log < atHome {
		return false
	}
	if life := c.records[len(c.records)-1].time.Sub(c.records[0].time); 2*c.End.Sub(c.Start) < life {
		return false
	}
	logins, from, times := 0, 0, new(tries)
	for _, p := range c.places {
		if n := p.loginCount(); n > 0 {
			logins += n
			from++
			for _, t := range p.loginTimes() {
				times.add(t, 1)
			}
		}
	}
	if from > 0 && (logins >= 2*from || !times.regular()) { // a person comes from the same address again
		return false
	}
	whole := c.newCompromise()
	for i := range c.records {
		whole.take(i)
	}
	always := log <= 2*24*time.Hour || whole.allAlong(site) // of a short log, its hours say whether it is there all the time
	return always && !whole.dead(dead) && whole.share(blockedOnce) < 0.03 && c.namesComeAgain() && c.q.keepsHours(whole)
}

// namesComeAgain reports whether most messages have a sender that is not the account's, and that it used over at least half of its time.
func (c *compromise) namesComeAgain() bool {
	uses := make(map[string]*networkUse)
	for _, r := range c.records {
		sender := strings.ToLower(r.sender)
		if uses[sender] == nil {
			uses[sender] = new(networkUse)
		}
		uses[sender].seen(r.time)
	}
	again, life := 0, c.records[len(c.records)-1].time.Sub(c.records[0].time)
	for sender, n := range c.Senders.All {
		if u := uses[strings.ToLower(sender)]; u != nil && 2*u.last.Sub(u.first) >= life && !c.q.site.IsOurs(mail.Domain(sender)) && !c.accountIs(sender) {
			again += n
		}
	}
	return 2*again > c.Counts.Messages
}

// keepsHours reports whether it was sent at the hours at which others here write: in the six hours of the day in which it has least, it has
// hardly any, and so have they.
func (q *accountInquiry) keepsHours(c *compromise) bool {
	const night, fewOthers, seldom = 6, 100, 4 // seldom: a quarter of what these hours would have if all were alike
	others, asleep, awake := 0, 0, 0           // of the others: all, and those in these hours; of it: those in these hours
	var hours [24]int
	for i := range hours {
		hours[i] = i
		others += q.w.hours[i] - c.hours[i]
	}
	slices.SortFunc(hours[:], func(a, b int) int {
		return cmp.Or(cmp.Compare(c.hours[a], c.hours[b]), cmp.Compare(q.w.hours[a], q.w.hours[b]), cmp.Compare(a, b))
	})
	for _, i := range hours[:night] {
		awake += c.hours[i]
		asleep += q.w.hours[i] - c.hours[i]
	}
	return others >= fewOthers && 24*seldom*awake <= night*c.Counts.Messages && 24*seldom*asleep <= night*others
}
