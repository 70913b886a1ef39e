package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// baseline is what is usual for an account: its owner's networks and senders. forged and strange say which of its records depart
// from it.
type baseline struct {
	*accountHistory
	q                 *accountInquiry
	windows           []window              // of records, in which it sent much
	unusualTimes      []stretch             // in which it sent unusually much, with an hour around
	homeNetworks      map[netip.Prefix]bool // networks (/24, /64) and wide ones of its owner
	homeOrganisations map[string]bool       // registered domains of the client names there
	guessed           map[netip.Prefix]bool // wide networks from which the password was tried before it was known there
	knownSenders      map[string]bool       // senders that it always had, folded
	knownDomains      map[string]int        // domains of these: how many it had in each
	forged            []bool                // by record: the sender is neither the account's nor one of ours
	strange           []bool                // by record: from a network that is not the owner's
}

// newBaseline learns what is usual for an account whose records are sorted. What it sent in the windows is not taken for usual.
func (q *accountInquiry) newBaseline(h *accountHistory, windows []window) *baseline {
	b := &baseline{accountHistory: h, q: q, windows: windows}
	b.unusualTimes = b.findUnusualTimes()
	b.learnSenders()
	b.forged = make([]bool, len(b.records))
	for i, r := range b.records {
		b.forged[i] = b.isForged(r)
	}
	b.learnNetworks()
	b.guessed = h.guessedFrom()
	b.strange = make([]bool, len(b.records))
	for i, r := range b.records {
		b.strange[i] = b.isStrange(r.client.IP, verifiedName(r))
	}
	return b
}

func (b *baseline) findUnusualTimes() (times []stretch) {
	const around = time.Hour
	for _, win := range b.unusualWindows() {
		times = append(times, stretch{b.records[win.from].time.Add(-around), b.records[win.to-1].time.Add(around)})
	}
	if b.story != nil {
		times = append(times, stretch{b.story.Start.Add(-around), b.story.End.Add(around)})
	}
	return times
}

// unusualWindows is all windows, or none where they are the account's habit: on three days or more, since the log began, to recipients
// who exist and take it. A customer's mail server sends its mail in the morning.
func (b *baseline) unusualWindows() []window {
	days := make(map[mail.Instant]bool)
	recipients, refused := 0, 0
	for _, win := range b.windows {
		days[b.records[win.from].time/mail.Instant(24*time.Hour)] = true
		for _, r := range b.records[win.from:win.to] {
			to, lost := r.refused()
			recipients += to
			refused += lost
		}
	}
	log := b.q.site.Last.Sub(b.q.site.First)
	if len(days) < 3 || b.story != nil || ratio(refused, recipients) >= manyRefused || b.records[b.windows[0].from].time > b.q.site.First.Add(log/4) {
		return b.windows
	}
	return nil
}

func (b *baseline) isUnusualTime(t mail.Instant) bool {
	return slices.ContainsFunc(b.unusualTimes, func(c stretch) bool { return t >= c.from && t <= c.to })
}

// learnSenders finds the senders that an account always had: first used in the first quarter of its time, and used a day apart, not
// counting the times at which it sent unusually much.
func (b *baseline) learnSenders() {
	b.knownSenders = make(map[string]bool)
	for sender := range b.pastSenders.All {
		b.knownSenders[sender] = true
	}
	if len(b.records) == 0 {
		return
	}
	begin, end := b.records[0].time, b.records[len(b.records)-1].time
	early := begin.Add(end.Sub(begin) / 4)
	uses := make(map[string]*senderUse)
	for _, r := range b.records {
		if b.isUnusualTime(r.time) {
			continue
		}
		sender := strings.ToLower(r.sender)
		u := uses[sender]
		if u == nil {
			u = &senderUse{networks: make(map[netip.Prefix]bool)}
			uses[sender] = u
		}
		u.addMessage(r)
		u.networks[wideNetwork(r.client.IP)] = true
	}
	for sender, u := range uses {
		if !u.brief() && u.first <= early && !u.roams(b.q.thresholds.Account.ManyNetworks) {
			b.knownSenders[sender] = true
		}
	}
	b.knownDomains = make(map[string]int)
	for sender := range b.knownSenders {
		b.knownDomains[mail.Domain(sender)]++
	}
	others := make(map[string]bool)
	for _, r := range b.records {
		if sender := strings.ToLower(r.sender); !b.knownSenders[sender] {
			others[sender] = true
		}
	}
	for sender := range others {
		if domain := mail.Domain(sender); b.knownDomains[domain] > 0 {
			b.knownDomains[domain]--
		}
	}
}

// colleagues is how many senders of one domain an account always has, more than it has at some times only, if it hands in the mail of those
// who have that domain. Then one more name there is one more of them: "invoices", on the first of the month. A hundred more are no
// colleagues, but invented; many have their addresses at one provider.
const colleagues = 3

// senderUse is how an account used one sender.
type senderUse struct {
	networkUse
	networks map[netip.Prefix]bool // wide ones: a phone often changes its address, but within a provider or two
}

// roams reports whether the sender is that of a slow attacker, who takes another network for nearly every message: mail to a bad list
// from many networks is nobody's habit.
func (u *senderUse) roams(many int) bool {
	return len(u.networks) >= many && 2*len(u.networks) > u.times && u.unwanted()
}

// isForged reports whether a message names a sender that is neither the account's nor one of ours.
func (b *baseline) isForged(r *record) bool {
	domain := mail.Domain(r.sender)
	if domain == "" || b.q.site.IsOurs(domain) || b.knownSenders[strings.ToLower(r.sender)] || b.knownDomains[mail.Domain(strings.ToLower(r.sender))] >= colleagues {
		return false
	}
	own := mail.Domain(r.account)
	if own == "" {
		return len(b.q.site.LocalDomains) > 0
	}
	return own != domain && b.q.organisation(own) != b.q.organisation(domain)
}

// isStrange reports whether an address is not the owner's: not ours, not in one of the owner's networks, and not of a provider that
// other accounts use regularly, too (a mobile network, a service that fetches mail), unless the password was guessed from there.
func (b *baseline) isStrange(ip netip.Addr, name string) bool {
	if !ip.IsValid() || b.q.site.IsOwn(ip) || b.homeNetworks[NetworkOf(ip)] {
		return false
	}
	wide := wideNetwork(ip)
	switch {
	case b.homeNetworks[wide]:
		return false
	case b.guessed[wide]:
		return true
	case b.q.accountsAtHome[wide] >= homeOfOthers:
		return false
	}
	return name == "" || !b.homeOrganisations[organisation(name)]
}

// verifiedName is the client's name, if it resolves back to the address.
func verifiedName(r *record) string {
	if named(r) {
		return r.client.Name
	}
	return ""
}

// isSuspicious reports whether a record departs from what is usual, by its sender or its network.
func (b *baseline) isSuspicious(i int) bool { return b.forged[i] || b.strange[i] }

// mostlySuspicious reports whether at least half of a window is.
func (b *baseline) mostlySuspicious(win window) bool {
	n := 0
	for i := win.from; i < win.to; i++ {
		if b.isSuspicious(i) {
			n++
		}
	}
	return 2*n >= win.to-win.from
}
