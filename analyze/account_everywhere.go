package analyze

import (
	"net/netip"
	"slices"

	"mailforensics/mail"
)

// How an account is used that nobody's owner uses so.
const (
	everywhereTimes = 3   // from so many times account.many-networks in a day: a person, or the staff that share an account, are in some
	othersTimes     = 2   // … and so many times what nineteen of twenty accounts here reach in all the log
	manyDead        = 0.2 // of the recipients, this share is dead on a thief's list, at whatever hours he uses it
	knownToUs       = 0.2 // of the recipients, this share is ours or wrote to us: an owner's mail; of a list, hardly any did
)

// everywhere is the compromise of an account that is used from so many networks in a day that use does not tell which are its owner's; nil:
// it is not. Where the log begins amid the abuse, or an attacker comes back to each of his machines for days, they look as usual as the
// owner's own. What the owner writes goes to people who write to us. It changes what is known of the baseline.
func (b *baseline) everywhere() *compromise {
	many := everywhereTimes * b.q.thresholds.Account.ManyNetworks
	if b.story != nil || len(b.places) < many {
		return nil
	}
	if nets := widest(b.accesses()); nets < many || nets < othersTimes*b.q.mostNetworks {
		return nil
	}
	known, written := make(map[netip.Prefix]int), make(map[netip.Prefix]int)
	for _, r := range b.records {
		net := NetworkOf(r.client.IP)
		r.recipients(func(to *recalled) {
			written[net]++
			if b.q.site.IsOurs(mail.Domain(to.address)) || b.q.site.wrote.has(to.address) {
				known[net]++
			}
		})
	}
	clear(b.homeNetworks)
	clear(b.homeOrganisations)
	for net, n := range written {
		if ratio(known[net], n) >= knownToUs {
			b.homeNetworks[net] = true
		}
	}
	chosen := make([]bool, len(b.records))
	for i, r := range b.records {
		b.strange[i] = !b.homeNetworks[NetworkOf(r.client.IP)] && !b.q.site.IsOwn(r.client.IP)
		chosen[i] = b.isSuspicious(i)
	}
	c := b.collect(chosen)
	_, all := b.usesOf(func(i int) bool { return chosen[i] })
	if c.Counts.Messages < b.q.thresholds.Burst.AloneFrom || !all.hasLosses() && 2*c.forgedMessages < c.Counts.Messages {
		return nil // or an application in a provider's cloud, which writes to people who exist
	}
	if b.q.keepsHours(c) && !c.dead(manyDead) && c.share(blockedOnce) < 0.03 {
		return nil // or one that writes to all who ever were customers, or the staff that share a mailbox: by day, as people here do
	}
	c.relatedLogins = c.findRelatedLogins()
	return c
}

// accesses are the messages that are remembered, in order of time, each with the address that it came from.
func (b *baseline) accesses() (all []access) {
	for _, r := range b.records {
		if p := b.places[r.client.IP.Unmap()]; p != nil {
			all = append(all, access{r.time, p})
		}
	}
	slices.SortFunc(all, compareAccesses)
	return all
}
