package analyze

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// judge says why a batch of messages is abuse, and why it is not. Weights are added: what speaks for abuse is positive, what
// speaks for honest bulk negative. Their sum is the score.
//
// The weights were chosen on logs whose story is known, such that no single mark but the sum decides: the rate alone
// reaches medium at about sixty messages, seven messages need four marks that agree, and the marks of a newsletter
// outweigh any rate.
type judge struct {
	site   *Site
	limits *BurstThresholds
	usual  [dimensions]float64 // messages on a day on which such a series sends at all
	damage *damageIndex        // made when it is needed
}

// candidate is a batch that may be a burst.
type candidate struct {
	*batch
	dim         dimension
	subject     Subject
	outside     int           // messages of the same subject outside of the window; of an address, a guess where network is not zero
	network     int           // what the network of an address sent outside of the window, where not all of it is remembered
	regular     bool          // it does the like on other days
	place       familiarity   // accounts: whether it sends from there at other times, too …
	roams       bool          // … or comes from yet another address at other times, too
	usualScript bool          // local users: most of what is sent at other times comes from the same script or directory
	refused     int           // refused attempts of its clients in the window …
	refusedU    int           // … of them because there is no such recipient
	later       laterRefusals // … after its window
	mangled     []Mangled
	records     []*record    // nil for a story
	history     *history     // all that is remembered of the subject; nil for a story
	stolen      stretches    // accounts: when an attacker used it otherwise, which says nothing of its owner
	others      []*candidate // all bursts of the series, itself included
	beside      int          // messages of the same user in the window that another script sent
	Argument
}

// enough is the share from which on something is true of the whole batch.
const enough = 0.8

// decide fills reasons and score.
func (j *judge) decide(c *candidate) {
	c.Argument = Argument{}
	j.rate(c)
	marks := len(c.Reasons)
	abuse, honest := j.sidesOf(c)
	abuse(j, c)
	strong := 0.0
	for _, r := range c.Reasons[marks:] {
		strong += max(0, r.Weight)
	}
	c.bulk(j)
	honest(c, j)
	// A domain of ours in which its own users send is no subject: who of them sends is.
	if c.subject.Kind == SenderDomain && c.share(withLogin)+ratio(c.users.Total(), c.Counts.Messages) > 0.5 && j.site.IsOurs(c.subject.Value) {
		c.Score = 0
	}
	// Few messages are no burst unless most of what can be known of them is odd.
	if c.Counts.Messages < j.limits.AloneFrom && strong < 0.4 {
		c.Score = 0
	}
}

// sidesOf returns what weighs the marks of abuse, and what weighs the marks of honest mail, in a batch of its kind: how most of its
// messages came in decides which marks mean something.
func (j *judge) sidesOf(c *candidate) (abuse func(*judge, *candidate), honest func(*candidate, *judge)) {
	switch {
	case c.users.Total() > c.Counts.Messages/2:
		return (*judge).localUser, (*candidate).honestLocal
	case c.share(withLogin) > 0.5:
		return (*judge).login, (*candidate).honestLogin
	case j.allOurs(c):
		return (*judge).ownClient, (*candidate).honestLocal
	}
	return (*judge).stranger, (*candidate).honestStranger
}

// rate weighs how abnormal the number is. The subject's own past has already decided that it is a burst; here it is compared with what
// others like it send in as long a time of a working day.
func (j *judge) rate(c *candidate) {
	n := c.Counts.Messages
	length := c.End.Sub(c.Start)
	like := max(2, j.usual[c.dim]*length.Hours()/j.workday())
	chance := PoissonTail(n, like)
	weight := 0.1 + 0.4*min(1, max(0, -chance/60))
	c.because("rate", weight, "%s in %s; %s at other times; %s send %.1f on a day when they send at all",
		plural(n, "message", "messages"), duration(length), c.elsewhere(), likes[c.dim], j.usual[c.dim])
	if c.outside+c.network == 0 && c.dim == byNetwork && !j.fills(c) {
		c.because("never-seen", 0.1, "nothing was accepted from there before or after")
	}
}

// elsewhere says how much of the subject came outside of the window: a number that is known, if need be that of its network.
func (c *candidate) elsewhere() string {
	if c.network > 0 {
		return number(c.network) + " from its network"
	}
	return number(c.outside)
}

// fills reports whether a window fills most of the log, or the client is ours: then it says nothing that nothing came before or after.
func (j *judge) fills(c *candidate) bool {
	return 2*c.End.Sub(c.Start) > j.site.Last.Sub(j.site.First) || j.allOurs(c)
}

// workday is the time in which others send what they send in a day: twelve hours, or as long as the log lasts.
func (j *judge) workday() float64 {
	return min(workday, max(time.Hour, j.site.Last.Sub(j.site.First))).Hours()
}

var likes = [dimensions]string{"accounts here", "local users", "client networks", "systems", "sender domains"}

// stranger weighs the marks of mail from outside without a login.
func (j *judge) stranger(c *candidate) {
	j.senders(c)
	j.names(c)
	j.recipients(c)
	j.target(c)
	if c.dim != byNetwork || c.subject.Kind != IP {
		if n := len(c.clients); n >= 3 {
			c.because("many-clients", 0.1, "%d clients at once", n)
		}
	}
	if n := c.domainsOfClients(); c.Counts.Messages >= j.limits.AloneFrom && c.sideBySide(n) {
		c.because("domain-for-each", 0.2, "%d mail servers side by side in one network, named in %d domains, none of which was ever seen before or after", len(c.clients), n)
	}
}

// domainsOfClients is how many registered domains the clients' names are in.
func (c *candidate) domainsOfClients() int {
	seen := make(map[string]bool)
	for _, client := range c.clients {
		if client.Name != "" {
			seen[organisation(client.Name)] = true
		}
	}
	return len(seen)
}

// sideBySide reports whether the clients of a network are each in a domain of their own, and all of them came at once and at no other
// time: a network rented for a run, with domains bought for it ("snowshoe"). A sending service has its servers in a domain or two, and
// the customers of a hoster do not all write on one morning.
func (c *candidate) sideBySide(domains int) bool {
	const least = 5
	return c.subject.Kind == Network && len(c.clients) >= least && ratio(domains, len(c.clients)) >= enough && c.outside == 0
}

func (j *judge) senders(c *candidate) {
	n := c.Counts.Messages
	senders, domains := c.Senders.Distinct(), c.SenderDomains.Distinct()
	allDiffer := c.sendersDiffer()
	if allDiffer {
		c.because("all-senders-differ", 0.25, "%d messages from %d different senders of %d domains", n, senders, domains)
	}
	if ids := c.marks[hasMessageID]; ratio(ids, n) >= enough && ratio(organisations(&c.MessageDomains), ids) >= enough && ratio(c.marks[strangeMessageID], ids) >= enough {
		c.because("all-message-id-domains-differ", 0.15, "%d Message-IDs of %d domains, none of which is the sender's", ids, c.MessageDomains.Distinct())
	}
	if subject, share := c.Subjects.Most(); share >= enough && c.share(hasSubject) >= enough && senders > n/2 && domains > n/2 {
		c.because("one-subject", 0.15, "one subject: %q", subject)
	}
	if senders > n/2 && senders >= 5 && !allDiffer && !rewritten(&c.Senders) {
		if surprise := meanSurprise(&c.Senders); surprise >= 5 && c.share(variableSender) < 0.2 {
			c.because("random-senders", 0.15, "the senders' names look random (%.1f bits a letter; real names have about 3)", surprise)
		}
	}
	if domain, share := c.SenderDomains.Most(); share >= enough && j.site.IsOurs(domain) && !j.allOurs(c) {
		c.because("forged-own-domain", 0.2, "strangers send as %s, a domain of ours", domain)
	}
}

// rewritten reports whether most senders are those of forwarded mail.
func rewritten(senders *Tally) bool {
	n := 0
	for sender, k := range senders.All {
		if isRewritten(sender) {
			n += k
		}
	}
	return 2*n > senders.Total()
}

// isRewritten reports whether a sender is one of forwarded mail (Sender Rewriting Scheme: "SRS0=hash=stamp=domain=user"), which looks random
// and is not.
func isRewritten(sender string) bool {
	return len(sender) > len("srs0=") && (strings.EqualFold(sender[:4], "srs0") || strings.EqualFold(sender[:4], "srs1")) && strings.IndexByte("=+-", sender[4]) >= 0
}

// sendersDiffer reports whether (nearly) every message has a sender of its own, of an organisation of its own: the hosts of a company
// each have a domain.
func (c *candidate) sendersDiffer() bool {
	n := c.Counts.Messages
	return ratio(c.Senders.Distinct(), n) >= 0.9 && ratio(organisations(&c.SenderDomains), n) >= enough
}

// organisations is how many registered domains there are among names.
func organisations(names *Tally) int {
	seen := make(map[string]bool)
	for name := range names.All {
		seen[organisation(name)] = true
	}
	return len(seen)
}

// names weighs what the clients are called and call themselves.
func (j *judge) names(c *candidate) {
	switch {
	case c.share(genericClient) >= enough:
		c.because("generic-name", 0.15, "the client has the name of a customer's line")
	case c.share(unnamedClient) >= enough && j.site.Population.LooksUpNames():
		c.because("no-reverse-name", 0.15, "no reverse DNS name that resolves back to the address")
	}
	switch {
	case c.share(numericHELO) >= enough:
		c.because("helo-number", 0.2, "says HELO with a bare number")
	case c.share(oddHELO) >= enough:
		c.because("helo-odd", 0.1, "says HELO with something that is no host name")
	}
	if c.share(ownNameSender) >= enough && c.share(rentedClient) >= enough {
		c.because("rented-machine", 0.15, "sends in the name of a rented machine")
	}
}

// recipients weighs to whom it went.
func (j *judge) recipients(c *candidate) {
	n := c.Counts.Recipients
	if list, damaged := j.damaged(c); ratio(damaged, n) >= 0.2 {
		c.mangled = list
		c.because("damaged-recipients", 0.25, "%d of %d recipients are damaged forms of known addresses", damaged, n)
	}
	unknown := c.unknown.Total() + c.refusedU
	if ratio(unknown, n+c.refusedU) >= 0.2 {
		c.because("unknown-recipients", 0.1, "%d of %d recipients do not exist", unknown, n+c.refusedU)
	}
	if ratio(c.marks[blockedOnce], c.Counts.Messages) >= 0.1 {
		c.because("blocked", 0.15, "%d were refused as unwanted by other servers", c.marks[blockedOnce])
	}
	if c.Senders.Distinct() == 1 && c.Recipients.Distinct() >= max(20, n*9/10) {
		c.because("one-to-many", 0.1, "one sender to %d different recipients, one by one", c.Recipients.Distinct())
	}
}

// target weighs where it went in.
func (j *judge) target(c *candidate) {
	if j.site.HasSecondary() && c.dim == byNetwork && c.outside == 0 && allOf(c.Hosts.Values(), j.site.IsSecondary) {
		c.because("secondary-only", 0.2, "spoke only to the secondary MX")
	}
	elsewhere := 0
	for _, d := range c.RecipientDomains.Top(tallyCap) {
		if !j.site.IsOurs(d.Value) {
			elsewhere += d.Messages
		}
	}
	switch {
	case len(j.site.LocalDomains) > 0 && ratio(elsewhere, c.Counts.Recipients) >= enough && c.changesLine(j.site):
		c.because("changes-line", -0.5, "the same senders relay on other days, too, from other lines of that provider, and nearly all of it arrives: a customer who gets a new address each day")
	case len(j.site.LocalDomains) > 0 && ratio(elsewhere, c.Counts.Recipients) >= enough && c.relaysDaily(j.site):
		c.because("relays-daily", -0.2, "relays on other days, too, in the same names or to the same people, and nearly all of it arrives: a customer's server, or one that forwards")
	case len(j.site.LocalDomains) > 0 && ratio(elsewhere, c.Counts.Recipients) >= enough && !c.customer():
		c.because("relayed", 0.3, "from strangers for strangers: %d of %d recipients are not ours", elsewhere, c.Counts.Recipients)
	case c.RecipientDomains.Distinct() == 1 && len(j.site.LocalDomains) > 1 && c.Recipients.Distinct() > 3:
		c.because("one-recipient-domain", 0.05, "all for one of our %d domains", len(j.site.LocalDomains))
	}
}

// customer reports whether a server with a name of its own sends in the name of its own organisation, to people who exist, or a list server
// writes to its list as on other days: if its mail is for strangers, it is somebody who may relay here. Whether he may is asked of open relays.
func (c *candidate) customer() bool {
	return c.share(ownNameSender) >= enough && c.share(genericClient)+c.share(rentedClient) == 0 && !c.dead(manyRefused) ||
		c.share(variableSender) >= enough && c.regular
}

// login weighs the marks of mail that came in with a login.
func (j *judge) login(c *candidate) {
	n := c.Counts.Messages
	foreign := c.foreignSenders(j.site)
	if 2*foreign >= n && !c.oldNames() {
		c.because("forged-sender", 0.3, "%d of %d messages name a sender of a foreign domain", foreign, n)
	} else if c.share(otherSender) >= 0.5 && c.rotates() {
		c.because("other-sender", 0.15, "%d of %d messages name a sender that is not the account", c.marks[otherSender], n)
	}
	if clients := j.strangers(c); clients >= 3 && c.subject.Kind == Account && !c.roams {
		weight := 0.15
		if clients >= 10 {
			weight = 0.3
		}
		c.because("many-clients", weight, "%d client addresses in %s", clients, duration(c.End.Sub(c.Start)))
	}
	// An office behind one address has many accounts, each of which writes a few mails, and more before Christmas.
	deadFrom := c.deadFrom(j.site, c.placeThen())
	if c.subject.Kind != Account && j.allOurs(c) && ratio(foreign, n) < 0.1 && c.unminded() {
		deadFrom = ownDead
	}
	if accounts := c.Accounts.Distinct(); c.subject.Kind != Account && accounts >= 3 &&
		(n >= j.fewOfEach(c)*accounts || ratio(foreign, n) >= 0.3 || c.bounces(deadFrom)) {
		c.because("many-accounts", 0.25, "%d accounts from there", accounts)
	}
	if c.place == strangePlace && c.subject.Kind == Account {
		c.because("new-client", 0.1, "from a network that the account does not use otherwise")
	}
	j.farAbove(c)
	c.outcome(deadFrom)
}

// fewOfEach is how many messages of each account are more than people write who are at one place: on a day there, twice as many as within the
// hour.
func (j *judge) fewOfEach(c *candidate) int {
	const day = 4 * time.Hour
	if c.End.Sub(c.Start) < day {
		return j.limits.MinMessages
	}
	return 2 * j.limits.MinMessages
}

// placeThen is how well the place is known at that time of the day: at night, somebody else may be at the owner's computer or in his webmail.
func (c *candidate) placeThen() familiarity {
	if c.place == knownAddress && c.atNight() {
		return unknownPlace
	}
	return c.place
}

// itsDay is the time of a burst and what is not on other days, nor in the owner's past.
func (c *candidate) itsDay() stretches {
	return union(c.stolen, []stretch{{c.Start.Add(1 - anotherDay), c.End.Add(anotherDay - 1)}})
}

// oldNames reports whether most messages have a sender that is used on several other days, too. On one, it may be an attacker's other run.
func (c *candidate) oldNames() bool {
	const several = 2
	uses, itsDay := c.history.uses(), c.itsDay()
	old := 0
	for sender, n := range c.Senders.All {
		days, began := 0, mail.Instant(0)
		for t := range itsDay.outside(uses[sender]) {
			if days == 0 || t.Sub(began) >= anotherDay {
				days++
				began = t
			}
			if days == several {
				old += n
				break
			}
		}
	}
	return 2*old > c.Counts.Messages
}

// atNight reports whether it began at an hour at which nothing is sent in their names on other days, but for other runs to bad lists: who
// found a hole comes back the next night.
func (c *candidate) atNight() bool {
	uses, beside := c.history.uses(), union(c.itsDay(), c.otherBadRuns())
	var others []mail.Instant
	for sender := range c.Senders.All {
		others = slices.AppendSeq(others, beside.outside(uses[sender]))
	}
	return nightOf(others).has(c.Start)
}

// otherBadRuns are the times of other runs of the same subject, to lists of which many are dead.
func (c *candidate) otherBadRuns() stretches {
	var bad []*candidate
	for _, o := range c.others {
		if o != c && o.subject == c.subject && o.dead(manyRefused) {
			bad = append(bad, o)
		}
	}
	return stretchesOf(bad)
}

// isStolenProgram reports whether a program or host of ours sent it at night to a bad list: that it does so each night makes it no habit.
func (j *judge) isStolenProgram(c *candidate) bool {
	ours := c.users.Total() > c.Counts.Messages/2 || c.share(withLogin) == 0 && j.allOurs(c)
	return ours && c.dead(manyRefused) && c.atNight()
}

// ownClient weighs the marks of mail that a host of ours handed in without a login: an application, a printer, a list
// server, or a machine that somebody took over.
func (j *judge) ownClient(c *candidate) {
	j.senders(c)
	j.farAbove(c)
	c.outcome(j.programDeadFrom(c))
}

// localUser weighs the marks of mail that programs on this host sent.
func (j *judge) localUser(c *candidate) {
	if script, share := c.Scripts.Most(); share >= enough && !c.usualScript {
		c.because("one-script", 0.05, "one script or directory: %s", script)
	}
	deadFrom := j.programDeadFrom(c)
	if c.RecipientDomains.Distinct() >= 5 && c.bounces(deadFrom) { // every newsletter goes to as many
		c.because("many-recipient-domains", 0.05, "to %d domains", c.RecipientDomains.Distinct())
	}
	j.farAbove(c)
	c.outcome(deadFrom)
}

// programDeadFrom is what deadFrom is to accounts, for mail of programs and hosts of ours: in one name of ours, and hardly anybody minded.
// A name that they use on other days, too, at hours of the day like these, is no spammer's: a portal that has all its customers choose new
// passwords reaches the oldest. A stolen script has the site's name, too, but begins at any hour, when nobody is awake who could have had it
// write to all.
func (j *judge) programDeadFrom(c *candidate) float64 {
	sender, share := c.Senders.Most()
	switch {
	case share < 0.95 || !j.site.IsOurs(mail.Domain(sender)) || webUser(mail.LocalPart(sender)) || !c.unminded():
		return manyRefused
	case c.oldNames() && !c.atNight():
		return oldDead
	}
	return ownDead
}

// habit is how many messages of an account at other times are enough to know where it is used from: one or two are not.
const habit = 3

// farAbove compares the number with what the same subject sends at other times.
func (j *judge) farAbove(c *candidate) {
	hours := max(1, c.End.Sub(c.Start).Hours())
	usual := float64(c.outside) / max(1, j.site.Span()/60-hours) * hours
	if n := float64(c.Counts.Messages); n >= 20*max(1, usual) && j.site.showsPast(c.outside) {
		c.because("far-above-past", 0.1, "%d times what it sends in as long a time otherwise", int(math.Round(n/max(1, usual))))
	}
}

// outcome weighs what the recipients' servers said: a bought list is full of dead addresses, deadFrom or more of it.
func (c *candidate) outcome(deadFrom float64) {
	switch {
	case c.bounces(0.2):
		c.because("many-bounces", 0.25, "%s", c.bounced())
	case c.bounces(deadFrom):
		c.because("bounces", 0.15, "%s", c.bounced())
	}
	if c.share(blockedOnce) >= 0.03 && c.marks[blockedOnce] >= 3 {
		c.because("blocked", 0.15, "%d were refused as unwanted by other servers", c.marks[blockedOnce])
	}
}

// bouncedShare is the share that bounced, by message or by recipient, whichever is lower: a message to the thirty parents of a class
// nearly always has one bounce, and that does not make it a bought list.
func (b *batch) bouncedShare() float64 {
	return min(b.bouncedMessages(), ratio(b.Counts.Bounced, b.Counts.Recipients))
}

// bouncedMessages is the share of messages that bounced, of those that were sent at all.
func (b *batch) bouncedMessages() float64 {
	return ratio(b.marks[bouncedOnce], b.Counts.Messages-b.marks[overLimitOnce])
}

// bounced says it in words.
func (b *batch) bounced() string {
	n, all, limited := b.marks[bouncedOnce], b.Counts.Messages, b.marks[overLimitOnce]
	switch {
	case limited > 0:
		return say("%d of %d messages bounced, and %d were given up here because of a limit", n, all-limited, limited)
	case b.Counts.Recipients > all:
		return say("%d of %d recipients of %d messages bounced", b.Counts.Bounced, b.Counts.Recipients, all)
	}
	return say("%d of %d messages bounced", n, all)
}

// bounces reports whether at least that share of the messages bounced, and more than two: fewer are a typo and a colleague who left.
func (c *candidate) bounces(share float64) bool {
	return c.dead(share) && c.marks[bouncedOnce] >= 3
}

// strangers is how many clients are not ours; the addresses of an IPv6 host are one.
func (j *judge) strangers(c *candidate) int {
	hosts := make(map[netip.Prefix]bool)
	for ip := range c.clients {
		if !j.site.IsOwn(ip) {
			hosts[hostNetwork(ip)] = true
		}
	}
	return len(hosts)
}

// allOurs reports whether all clients are ours: an own address, or a verified name in a domain of ours.
func (j *judge) allOurs(c *candidate) bool {
	for ip, client := range c.clients {
		if !j.site.IsOwn(ip) && !(c.share(unnamedClient) == 0 && inOurDomains(j.site, client.Name)) {
			return false
		}
	}
	return len(c.clients) > 0
}

func allOf(values []string, is func(string) bool) bool {
	for _, v := range values {
		if !is(v) {
			return false
		}
	}
	return len(values) > 0
}

// meanSurprise is how random the local parts of senders look.
func meanSurprise(senders *Tally) float64 {
	most := senders.Top(topMost)
	sum := 0.0
	for _, s := range most {
		sum += Surprise(mail.LocalPart(s.Value))
	}
	return sum / float64(max(1, len(most)))
}

// duration is a length of time as a person says it.
func duration(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d <= time.Second:
		return "a second"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%.1f hours", d.Hours())
}

// number is a number in a sentence.
func number(n int) string {
	if n == 0 {
		return "none"
	}
	return say("%d", n)
}

// damaged are the recipients that do not exist and are known ones, damaged.
func (j *judge) damaged(c *candidate) (list []Mangled, messages int) {
	if c.unknown.Total() == 0 {
		return nil, 0
	}
	if j.damage == nil {
		j.damage = newDamageIndex(j.site)
	}
	found := j.damage.findAll(c.unknown.Values())
	for _, u := range c.unknown.Top(tallyCap) {
		if d, ok := found[u.Value]; ok {
			list = append(list, Mangled{Recipient: u.Value, Original: d.original, Kind: d.kind, Messages: u.Messages})
			messages += u.Messages
		}
	}
	return list, messages
}
