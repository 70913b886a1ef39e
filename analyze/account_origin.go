package analyze

import (
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// byOrigin is the compromises that senders and networks betray: the suspicious messages of dense windows, and what belongs to them;
// where there is no such window, all suspicious messages.
func (b *baseline) byOrigin() []*compromise {
	chosen := make([]bool, len(b.records))
	dense := false
	for _, win := range b.windows {
		if !b.mostlySuspicious(win) {
			continue
		}
		dense = true
		for i := win.from; i < win.to; i++ {
			chosen[i] = b.isSuspicious(i)
		}
		b.addOwnName(win, chosen)
	}
	if dense || b.story != nil {
		b.addRelated(chosen)
	} else {
		for i := range chosen {
			chosen[i] = b.isSuspicious(i)
		}
		b.dropOwnName(chosen)
		b.dropStray(chosen)
	}
	parts := [][]bool{chosen}
	if dense && b.story == nil {
		parts = b.splitAtPauses(chosen)
	}
	var all []*compromise
	for _, part := range parts {
		c := b.collect(part)
		c.dense = c.dense || dense
		if c.isEnough() {
			all = append(all, c)
		}
	}
	// What was abuse at another time is not what the owner sends.
	for _, c := range all {
		for _, o := range all {
			if o != c {
				c.outside -= o.Counts.Messages
			}
		}
	}
	return all
}

// addOwnName adds what an attacker sent in the account's own name by the same client as what he forged, where that client, a webmail
// host, is the owner's, too. Where own and forged names alternate, one person sends both: an owner who writes there meanwhile writes
// no more than at other times.
func (b *baseline) addOwnName(win window, chosen []bool) {
	forged, own, all := make(map[netip.Addr]int), make(map[netip.Addr]int), make(map[netip.Addr]int)
	for i, r := range b.records {
		inside := i >= win.from && i < win.to
		switch {
		case b.strange[i]:
		case b.forged[i] && inside:
			forged[r.client.IP]++
		case !b.forged[i]:
			all[r.client.IP]++
			if inside {
				own[r.client.IP]++
			}
		}
	}
	minutes := b.minutes(win)
	for i := win.from; i < win.to; i++ {
		ip := b.records[i].client.IP
		alternate := forged[ip] > 0 && takesTurns*own[ip] >= forged[ip]
		if alternate && own[ip] >= b.q.thresholds.Burst.MinMessages && float64(own[ip]) > tooDense*b.expected(all[ip]-own[ip], minutes) {
			chosen[i] = true
		}
	}
}

// takesTurns: of two kinds of senders that alternate, the rarer has at least one message to so many of the other.
const takesTurns = 5

// addRelated adds what belongs to the chosen messages: the same senders or networks; soon before or after them, all forged ones.
func (b *baseline) addRelated(chosen []bool) {
	k := &kinship{baseline: b, domains: make(map[string]bool), networks: make(map[netip.Prefix]bool)}
	if b.story != nil {
		k.from, k.to, k.ownName = b.story.Start, b.story.End, true
		for domain := range b.story.SenderDomains.All {
			k.domains[domain] = true
		}
	}
	for i := range chosen {
		if chosen[i] {
			k.take(i)
			k.ownName = k.ownName || !b.forged[i]
		}
	}
	for grown := true; grown; {
		grown = false
		for i := range chosen {
			if !chosen[i] && k.has(i) {
				chosen[i], grown = true, true
				k.take(i)
			}
		}
	}
}

// kinship is what the messages of an attacker have in common.
type kinship struct {
	*baseline
	domains  map[string]bool       // of forged senders
	networks map[netip.Prefix]bool // that are not the owner's
	from, to mail.Instant
	ownName  bool // some are in the account's own name
}

func (k *kinship) take(i int) {
	r := k.records[i]
	if k.forged[i] {
		k.domains[mail.Domain(r.sender)] = true
	}
	if k.strange[i] {
		k.networks[NetworkOf(r.client.IP)] = true
	}
	if k.from == 0 || r.time < k.from {
		k.from = r.time
	}
	k.to = max(k.to, r.time)
}

// has reports whether a record is one more of them, by its sender or by its network.
func (k *kinship) has(i int) bool {
	const nearby = 24 * time.Hour
	r := k.records[i]
	apart := max(k.from.Sub(r.time), r.time.Sub(k.to))
	if k.forged[i] && (k.domains[mail.Domain(r.sender)] || apart <= nearby) {
		return true
	}
	// Whoever moves from network to network comes from yet another one. But where all the rest names strangers as sender, a message in
	// the account's own name from a new network is as likely the owner's.
	roams := len(k.networks) >= manyAddresses && apart <= newcomerPause && (k.ownName || k.forged[i])
	return k.strange[i] && (k.networks[NetworkOf(r.client.IP)] || roams)
}

// nearlyAll is the share of the messages from which on they tell what the attacker does, and the rest is the owner's.
const nearlyAll = 0.9

// dropOwnName drops, where nearly all is in strangers' names, what is in the account's own name from a network or two from which nothing
// forged came: an owner writes from a new place now and then, too. From more it is the attacker's.
func (b *baseline) dropOwnName(chosen []bool) {
	all, forged := 0, 0
	attackers, others := make(map[netip.Prefix]bool), make(map[netip.Prefix]bool)
	for i, r := range b.records {
		if !chosen[i] {
			continue
		}
		all++
		if net := NetworkOf(r.client.IP); b.forged[i] {
			forged++
			attackers[net] = true
		} else {
			others[net] = true
		}
	}
	for net := range attackers {
		delete(others, net)
	}
	if ratio(forged, all) < nearlyAll || len(others) >= manyAddresses {
		return
	}
	for i, r := range b.records {
		if net := NetworkOf(r.client.IP); chosen[i] && others[net] {
			chosen[i], b.strange[i] = false, false
			b.homeNetworks[net] = true
		}
	}
}

// dropStray drops, of messages that nothing but their networks betrays, the few that came from elsewhere than nearly all of them and
// were delivered: of an account that was hardly used before, no network is known to be its owner's.
func (b *baseline) dropStray(chosen []bool) {
	uses, all := b.usesOf(func(i int) bool { return chosen[i] })
	most := 0
	for _, u := range uses {
		if !u.isFew(all) {
			most += u.times
		}
	}
	if ratio(most, all.times) < nearlyAll {
		return
	}
	for i, r := range b.records {
		if chosen[i] && !b.forged[i] && uses.at(r.client.IP).isFewAndTaken(all) {
			chosen[i] = false
		}
	}
}

// anotherTime is the pause after which more abuse of an account is a story of its own: somebody was let in again.
const anotherTime = 7 * 24 * time.Hour

// splitAtPauses divides the chosen messages at such pauses, where a dense window lies before and after.
func (b *baseline) splitAtPauses(chosen []bool) [][]bool {
	dense := make([]bool, len(chosen))
	for _, win := range b.windows {
		copy(dense[win.from:win.to], chosen[win.from:win.to])
	}
	parts := [][]bool{make([]bool, len(chosen))}
	last, seen := -1, false // the latest that was chosen; whether the part has a dense window
	for i := range chosen {
		if !chosen[i] {
			continue
		}
		if seen && b.records[i].time.Sub(b.records[last].time) > anotherTime && slices.Contains(dense[i:], true) {
			parts, seen = append(parts, make([]bool, len(chosen))), false
		}
		parts[len(parts)-1][i] = true
		last, seen = i, seen || dense[i]
	}
	return parts
}
