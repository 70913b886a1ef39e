package analyze

import (
	"net/netip"

	"mailforensics/mail"
)

// networkUse is how an account was used from one network (/24, /64), or from several taken together.
type networkUse struct {
	first, last mail.Instant
	times       int // messages and logins
	honest      int // messages that do not name a foreign sender
	recipients  int // of the messages
	refused     int // … whose mail bounced, or was refused because of us
}

func (u *networkUse) seen(t mail.Instant) {
	if u.times == 0 {
		u.first, u.last = t, t
	}
	u.first, u.last = min(u.first, t), max(u.last, t)
	u.times++
}

func (u *networkUse) addMessage(r *record) {
	u.seen(r.time)
	recipients, refused := r.refused()
	u.recipients += recipients
	u.refused += refused
}

// refused is how many recipients there are, and how many did not take it: it bounced, or was put off because of us.
func (r *record) refused() (recipients, refused int) {
	r.recipients(func(c *recalled) {
		recipients++
		if (c.disposition == mail.Bounced || c.blocked) && !c.limited {
			refused++
		}
	})
	return recipients, refused
}

// brief reports whether it was used for some hours only.
func (u *networkUse) brief() bool { return u.last.Sub(u.first) < atHome }

// refusedShare is the share of the recipients that did not take it.
func (u *networkUse) refusedShare() float64 { return ratio(u.refused, u.recipients) }

// hasLosses reports whether more of the mail from there failed than of an owner's.
func (u *networkUse) hasLosses() bool { return u.refused > 0 && u.refusedShare() >= manyRefused }

// unwanted reports whether mail from there went to a bad list. An owner who moved house writes to people who exist.
func (u *networkUse) unwanted() bool { return u.refused >= 5 && u.refusedShare() >= manyRefused }

// networkUses are uses by network.
type networkUses map[netip.Prefix]*networkUse

// at is the use of the network of an address, made when it is new.
func (uses networkUses) at(ip netip.Addr) *networkUse {
	net := NetworkOf(ip)
	u := uses[net]
	if u == nil {
		u = new(networkUse)
		uses[net] = u
	}
	return u
}

// lifetime is from the first use to the last, and how many uses there were.
func (uses networkUses) lifetime() (first, last mail.Instant, times int) {
	for _, u := range uses {
		if first == 0 || u.first < first {
			first = u.first
		}
		last = max(last, u.last)
		times += u.times
	}
	return first, last, times
}

// newAndBrief adds up the networks that were first used after early, and briefly. An attacker who changes his address every hour or
// two sends too little from each to stand out; but all of it goes to the same list.
func (uses networkUses) newAndBrief(early mail.Instant) *networkUse {
	all := new(networkUse)
	for _, u := range uses {
		if u.first > early && u.brief() {
			all.recipients += u.recipients
			all.refused += u.refused
		}
	}
	return all
}

// roamWithList reports whether somebody moves from network to network and writes to one bad list, from whatever day on. An owner
// who travels hits a dead address in one place or two. Of ten messages from one network, one that bounces is chance: hence the sum of
// all brief networks counts, too.
func (uses networkUses) roamWithList() bool {
	const networks = 5
	all, losing := new(networkUse), 0
	for _, u := range uses {
		if !u.brief() {
			continue
		}
		all.recipients += u.recipients
		all.refused += u.refused
		if u.hasLosses() {
			losing++
		}
	}
	return losing >= networks && all.unwanted()
}

// crowdWithList reports whether many networks that were first used after some time lose far more of their mail than those before: each of
// them is used for days, and too little to stand out, but all write to one bad list.
func (uses networkUses) crowdWithList(after mail.Instant, many int) bool {
	late, early, n := new(networkUse), new(networkUse), 0
	for _, u := range uses {
		all := early
		if u.first > after {
			all = late
			n++
		}
		all.recipients += u.recipients
		all.refused += u.refused
	}
	return n >= many && late.unwanted() && 2*early.refusedShare() < late.refusedShare()
}

// newFrom is how late a network is new if mail from it goes to a bad list. An office that mails all its customers once a year is seen
// on the first working day.
const newFrom = 2 * atHome

// guesses is how many failed logins (to one account), or how many accounts with failed logins, tell that a network is not the
// owner's: whoever has guessed a password sends one message to try it.
const guesses = 3

// learnNetworks finds the owner's networks: those from which unforged mail came at ordinary times, or that were used for days.
func (b *baseline) learnNetworks() {
	uses, forged := b.ordinaryUses()
	rushes, failures := b.unusualUses(), b.failuresByNetwork()
	first, last, times := uses.lifetime()
	quarter := last.Sub(first) / 4
	early := first.Add(quarter)
	visitors, roaming := uses.newAndBrief(early), uses.roamWithList()
	settled := first.Add(min(quarter, newFrom))
	crowd := uses.crowdWithList(settled, b.q.thresholds.Account.ManyNetworks)
	b.homeNetworks, b.homeOrganisations = make(map[netip.Prefix]bool), make(map[string]bool)
	for net, u := range uses {
		// A new network that is used much may be the owner's new home, or a patient attacker's.
		isNew := u.first > early
		guessed := failures[net] >= guesses || b.q.failedAccounts[net] >= guesses
		switch {
		case u.first > settled && (u.unwanted() || crowd && u.hasLosses()),
			isNew && u.brief() && (visitors.unwanted() || guessed),
			roaming && u.brief() && u.hasLosses(), // since the first day, perhaps
			(isNew || forged[net] > takesTurns*u.times) && u.brief() && b.wasTrial(u, rushes[net]):
			continue
		}
		// Where nothing unusual stands out, neither one message nor some days prove an owner: the network may be one of many from which
		// an attacker sends now and then. The owner's was used early, or makes up much of the use.
		lasting := !u.brief() && u.times >= 3
		owners := lasting && (!isNew || 10*u.times >= times && takesTurns*forged[net] < u.times)
		if len(b.unusualTimes) > 0 {
			owners = lasting || u.honest > 0
		}
		if owners {
			b.homeNetworks[net] = true
			b.homeNetworks[wideNetwork(net.Addr())] = true
		}
	}
	for _, r := range b.records {
		if b.homeNetworks[NetworkOf(r.client.IP)] && named(r) {
			b.homeOrganisations[organisation(r.client.Name)] = true
		}
	}
}

// wasTrial reports whether what came from a network at ordinary times was a message to try the password, before many to a bad list.
func (b *baseline) wasTrial(ordinary, rush *networkUse) bool {
	return rush != nil && rush.times >= b.q.thresholds.Burst.MinMessages && rush.times > takesTurns*ordinary.times && rush.unwanted()
}

// ordinaryUses is how each network was used at ordinary times: by messages with a sender of the account's or of ours, and by logins.
// forged counts the others of all times.
func (b *baseline) ordinaryUses() (uses networkUses, forged map[netip.Prefix]int) {
	uses, forged = make(networkUses), make(map[netip.Prefix]int)
	for i, r := range b.records {
		switch {
		case b.forged[i]:
			forged[NetworkOf(r.client.IP)]++
		case b.isOrdinary(r.client.IP, r.time):
			u := uses.at(r.client.IP)
			u.addMessage(r)
			u.honest++
		}
	}
	for ip, p := range b.places {
		if p.pastMessages > 0 {
			for _, t := range [...]mail.Instant{p.firstPast, p.lastPast} {
				if b.isOrdinary(ip, t) {
					u := uses.at(ip)
					u.seen(t)
					u.honest++
				}
			}
		}
		for _, t := range p.loginTimes() {
			if b.isOrdinary(ip, t) {
				uses.at(ip).seen(t)
			}
		}
	}
	return uses, forged
}

// isOrdinary reports whether an address is known, and a time not one at which the account sent unusually much.
func (b *baseline) isOrdinary(ip netip.Addr, t mail.Instant) bool {
	return ip.IsValid() && !b.isUnusualTime(t)
}

// unusualUses is how each network was used while the account sent unusually much.
func (b *baseline) unusualUses() networkUses {
	uses := make(networkUses)
	for _, r := range b.records {
		if r.client.IP.IsValid() && b.isUnusualTime(r.time) {
			uses.at(r.client.IP).addMessage(r)
		}
	}
	return uses
}

// usesOf is how each network was used, and all of them together, by some records.
func (b *baseline) usesOf(has func(i int) bool) (uses networkUses, all *networkUse) {
	uses, all = make(networkUses), new(networkUse)
	for i, r := range b.records {
		if has(i) {
			uses.at(r.client.IP).addMessage(r)
			all.addMessage(r)
		}
	}
	return uses, all
}

// isFew reports whether fewer than one in twenty of all came from there.
func (u *networkUse) isFew(all *networkUse) bool { return 20*u.times < all.times }

// isFewAndTaken reports whether they were few, and far more of them were delivered than of the rest.
func (u *networkUse) isFewAndTaken(all *networkUse) bool {
	return u.isFew(all) && u.isTaken(all)
}

// isTaken reports whether far more of what came from there was delivered than of the rest.
func (u *networkUse) isTaken(all *networkUse) bool { return 2*u.refusedShare() < all.refusedShare() }

// isTakenForSure reports whether that is no chance, of so many of its kind that are looked at, and not most of all came from there.
func (u *networkUse) isTakenForSure(all *networkUse, of int) bool {
	chance := 0.05 / float64(of)
	expected := all.refusedShare() * float64(u.recipients)
	return 2*u.times < all.times && u.isTaken(all) && float64(u.refused) < expected && lowerTail(u.refused+1, expected) <= chance
}
