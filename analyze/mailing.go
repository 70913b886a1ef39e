package analyze

import (
	"math"
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// sendingPlace is where the mail of an account came from, as far as that matters for a mailing.
type sendingPlace uint8

const (
	fromHome             sendingPlace = iota // where the account is used at other times, too
	fromElsewhere                            // anywhere else
	fromElsewhereAtNight                     // … when the owner usually sleeps
)

// mailing weighs what tells a club's or an application's mailing from mail sent with a stolen password, wherever it comes from: one name,
// one place, and recipients who exist; or that it goes on throughout the log. Each alone is true of attackers, too. For a mailing to
// thousands, or at night, from a place where the account never was, a good list is no excuse: attackers buy good ones.
func (b *batch) mailing(site *Site, from sendingPlace, place familiarity, a *Argument) {
	own := b.oneName(site)
	away := from == fromElsewhereAtNight || from == fromElsewhere && b.Counts.Recipients > mailingTo
	if !b.maintained(site) {
		if own && !away && b.onePlace() && b.accepted(site) && (!b.dead(manyRefused) || place == knownAddress && !b.dead(b.deadFrom(site, place))) {
			a.because("kept-list", -0.1, "one sender, from one network, to %d recipients, of whom few do not exist: a list that belongs to somebody", b.Counts.Recipients)
		}
		return
	}
	switch {
	case !b.onePlace(), away:
	case own:
		a.because("kept-list", -0.2, "one sender, from one network, to %d recipients, nearly all of whom exist: a list that somebody maintains", b.Counts.Recipients)
	case from == fromHome:
		a.because("kept-list", -0.1, "from its usual network, to %d recipients, nearly all of whom exist: a list that somebody maintains", b.Counts.Recipients)
	}
	if b.allAlong(site) {
		weight := -0.35
		if own {
			weight = -0.5
		}
		a.because("all-along", weight, "it goes on throughout the log, and nearly all recipients exist: an application does that")
	}
}

// A mailing to all members of a club has at least mailingFrom recipients (with fewer, bounces say little about the list), and hardly ever
// more than mailingTo. Of a maintained list, keptDead of the addresses are dead; of a customer's own, used once or twice a year, less than
// ownDead; of all who ever went to a school, less than oldDead; of a bought one, manyRefused and more.
const (
	mailingFrom = 30
	mailingTo   = 1000
	keptDead    = 0.03
	ownDead     = 0.12
	oldDead     = 0.2

	// manyRefused is the share of recipients whose mail bounces, or who refuse it, that no owner's own mail reaches.
	manyRefused = 0.08
)

// maintained reports whether the recipients are a list that somebody maintains: many, whose servers accepted it, with no more dead
// addresses than chance explains, and nobody refused it.
func (b *batch) maintained(site *Site) bool {
	const chance = -1.3 // one time in twenty
	return b.accepted(site) && b.deadByChance() > chance
}

// accepted reports whether the servers of many recipients accepted it, as far as the log shows, and hardly any refused it as unwanted.
func (b *batch) accepted(site *Site) bool {
	return site.Population.HearsBounces() && b.Counts.Delivered >= mailingFrom && ratio(b.Counts.Delivered, b.Counts.Recipients) >= enough && b.share(blockedOnce) < 0.03
}

// deadFrom is the share of dead addresses from which on a list looks bought. A customer's own list may have more, but not if the mail
// comes from a place where the account never is. An old list may have still more, if it goes out where the account always writes and
// nobody minds.
func (b *batch) deadFrom(site *Site, place familiarity) float64 {
	switch {
	case place == strangePlace || !b.oneName(site) || !b.onePlace():
		return manyRefused
	case place == knownAddress && b.unminded():
		return oldDead
	}
	return ownDead
}

// unminded reports whether hardly any server refused it as unwanted. Of what goes to a bought list, some always do, besides those that do
// not know the recipient.
func (b *batch) unminded() bool { return 100*b.marks[blockedOnce] <= b.Counts.Messages }

// deadByChance is log10 of the probability that so many of a maintained list bounce.
func (b *batch) deadByChance() float64 {
	n := b.Counts.Messages
	if b.bouncedShare() < b.bouncedMessages() {
		n = b.Counts.Recipients
	}
	return PoissonTail(int(math.Round(b.bouncedShare()*float64(n))), keptDead*float64(n))
}

// dead reports whether at least that share bounced, and not by chance: of fifty messages, four bounce now and then.
func (b *batch) dead(share float64) bool {
	const chance = -1.7 // one time in fifty
	return b.bouncedShare() >= share && b.deadByChance() <= chance
}

// oneName reports whether nearly all of it has one sender of ours: the account, or an office whose mail is delivered here. The detail of an
// address (RFC 5233: support+4711@) does not count.
func (b *batch) oneName(site *Site) bool {
	name, share := b.mailboxes().Most()
	return share >= 0.95 && b.marks[nullSender] == 0 && (b.accountIs(name) || site.KnownRecipient(name))
}

// accountIs reports whether an address is that of the only account.
func (b *batch) accountIs(address string) bool {
	account, _ := b.Accounts.Most()
	return b.Accounts.Distinct() == 1 && (loginKey(account) == address || loginKey(account) == mail.LocalPart(address))
}

// rotates reports whether several names take turns as sender.
func (b *batch) rotates() bool {
	_, share := b.mailboxes().Most()
	return share < 0.95
}

// mailboxes are the senders without details, folded.
func (b *batch) mailboxes() *Tally {
	var boxes Tally
	for sender, n := range b.Senders.All {
		boxes.Add(mailbox(sender), n)
	}
	return &boxes
}

// mailbox is an address, folded, without the detail of its local part.
func mailbox(address string) string {
	local, _, found := strings.Cut(mail.LocalPart(address), "+")
	if !found || local == "" {
		return strings.ToLower(address)
	}
	return strings.ToLower(local + "@" + mail.Domain(address))
}

// onePlace reports whether nearly all of it came from one network; an owner may write elsewhere meanwhile.
func (b *batch) onePlace() bool {
	nets, most := make(map[netip.Prefix]int), 0
	for ip, c := range b.clients {
		net := NetworkOf(ip)
		nets[net] += c.Messages
		most = max(most, nets[net])
	}
	return ratio(most, b.Counts.Messages) >= 0.95
}

// allAlong reports whether it goes on throughout the log, so that there is nothing to compare it with.
func (b *batch) allAlong(site *Site) bool {
	log := site.Last.Sub(site.First)
	return b.Start.Sub(site.First) < log/4 && b.End.Sub(b.Start) >= log*6/10
}
