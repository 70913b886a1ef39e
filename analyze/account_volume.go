package analyze

import (
	"math"
	"math/bits"
	"net/netip"
	"slices"

	"mailforensics/mail"
)

// byVolume is the compromise of a window that neither sender nor network betrays: much mail in the owner's name, through a host of
// ours or from the owner's own address.
func (b *baseline) byVolume(win window) *compromise {
	calm := b.calmClients(win)
	c := b.newCompromise()
	c.dense = true
	for i := win.from; i < win.to; i++ {
		if calm[b.records[i].client.IP] {
			c.beside++
			continue
		}
		c.take(i)
	}
	c.outside = b.sent - c.Counts.Messages
	c.regular = b.isRegular(win)
	return c
}

// calmClients are the addresses that send in a window no more than at other times: the owner goes on writing while somebody else sends
// with the password. Where they sent most of it, there is nobody else: nil.
func (b *baseline) calmClients(win window) map[netip.Addr]bool {
	inside, all := make(map[netip.Addr]int), make(map[netip.Addr]int)
	for i, r := range b.records {
		all[r.client.IP]++
		if i >= win.from && i < win.to {
			inside[r.client.IP]++
		}
	}
	minutes := b.minutes(win)
	calm, spared := make(map[netip.Addr]bool), 0
	for ip, n := range inside {
		if outside := all[ip] - n; outside > 0 && float64(n) <= tooDense*b.expected(outside, minutes) {
			calm[ip] = true
			spared += n
		}
	}
	if 2*spared > win.to-win.from {
		return nil
	}
	return calm
}

func (b *baseline) minutes(win window) float64 {
	return b.records[win.to-1].time.Sub(b.records[win.from].time).Minutes()
}

// expected is how many messages to expect of so many minutes, from those of the rest of the log; at least one.
func (b *baseline) expected(outside int, minutes float64) float64 {
	return max(1, float64(outside)/max(1, b.q.site.Span()-minutes)*minutes)
}

// isRegular reports whether an account sends about as much on two other days.
func (b *baseline) isRegular(win window) bool {
	others := 0
	for _, o := range b.windows {
		apart := b.records[o.from].time.Sub(b.records[win.from].time).Abs()
		if o != win && apart > anotherDay && 3*(o.to-o.from) >= win.to-win.from {
			others++
		}
	}
	return others >= 2
}

// throughout is the compromise of an account of which the log shows little but abuse; nil where it does not. The abuse goes on evenly for
// days, or began before the log did, so nothing stands out within minutes, and the attacker's network is the one that is used most. What
// tells is what other accounts send in a day, and a bad list. Not abuse: a mail server behind the account whose bounces bounce, and a
// shop that writes to people who exist.
func (b *baseline) throughout() *compromise {
	const fewest = 100
	if b.story != nil || len(b.windows) > 0 || len(b.records) < fewest || 2*b.pastMessages > len(b.records) {
		return nil
	}
	uses, all := b.usesOf(func(int) bool { return true })
	clear(b.homeNetworks)
	clear(b.homeOrganisations)
	for net, u := range uses {
		if u.isFewAndTaken(all) || u.isTakenForSure(all, len(uses)) {
			b.homeNetworks[net] = true
		}
	}
	var away []int // the records that are not from there
	for i, r := range b.records {
		home := b.homeNetworks[NetworkOf(r.client.IP)]
		b.strange[i] = !home && !b.q.site.IsOwn(r.client.IP)
		if !home {
			away = append(away, i)
		}
	}
	c, his := b.newCompromise(), new(networkUse)
	for _, i := range b.withoutOwners(away) {
		c.take(i)
		his.addMessage(b.records[i])
	}
	c.timesOthers = float64(len(c.times)) / math.Ceil(max(1, c.End.Sub(c.Start).Hours()/24)) / b.othersADay()
	if len(c.times) < fewest || his.refusedShare() < 0.2 || 5*b.notices() > all.times || c.timesOthers < manyTimes {
		return nil
	}
	slices.Sort(c.times)
	c.countBeside()
	c.outside = b.sent - c.Counts.Messages
	c.relatedLogins = c.findRelatedLogins()
	return c
}

// withoutOwners is the part of the records in whose time there were far more than in the rest, if the rest is plainly the owner's: his
// recipients exist.
func (b *baseline) withoutOwners(records []int) []int {
	times := make([]mail.Instant, len(records))
	for k, i := range records {
		times[k] = b.records[i].time
	}
	win := densest(times)
	if win.to == win.from {
		return records
	}
	run, rest := new(networkUse), new(networkUse)
	for k, i := range records {
		if k >= win.from && k < win.to {
			run.addMessage(b.records[i])
		} else {
			rest.addMessage(b.records[i])
		}
	}
	if !rest.isTakenForSure(run, 1) {
		return records
	}
	silent := max(1, b.q.site.Span()-run.last.Sub(run.first).Minutes())
	win = trim(times, window{0, len(times)}, float64(rest.times)/silent)
	return records[win.from:win.to]
}

// othersADay is how many messages other accounts send on a day on which they send at all; at least one.
func (b *baseline) othersADay() float64 {
	days := max(1, b.q.days-bits.OnesCount64(b.days))
	return max(1, float64(b.q.sent-b.sent)/float64(days))
}

// notices is how many of the account's messages are bounces of a mail server behind it.
func (b *baseline) notices() (n int) {
	for _, r := range b.records {
		if r.sender == mail.NullSender {
			n++
		}
	}
	return n
}
