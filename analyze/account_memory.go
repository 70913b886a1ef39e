package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// makeRoom forgets addresses that were used once or twice and have been quiet for a day. It does so once in an hour of the log, so that
// a flood does not make it go through everything all the time.
func (w *accountWatch) makeRoom() {
	if w.last.Sub(w.roomMade) < time.Hour {
		return
	}
	w.roomMade = w.last
	w.places, w.failures, w.refused, w.stories = 0, 0, 0, 0
	for _, h := range w.accounts.All() {
		h.latest = nil
		for ip, p := range h.places {
			if p.Messages+len(p.logins) <= 2 && w.last.Sub(p.last) > placesForgiven {
				delete(h.places, ip)
				w.lost++
			}
		}
		w.places += len(h.places)
		w.failures += len(h.failures)
		w.refused += len(h.refused)
		if h.story != nil {
			w.stories++
		}
	}
}

// compact makes room for records: those that are neither dense nor suspicious are only counted. If that is not enough, the records of
// the accounts with most are folded into stories.
func (w *accountWatch) compact() {
	open := w.last.Add(-time.Hour)
	var large []*accountHistory
	w.records, w.stories = 0, 0
	for _, h := range w.accounts.All() {
		if h.story != nil {
			w.stories++
		}
		if len(h.records) == 0 {
			continue
		}
		w.thin(h, open)
		w.records += len(h.records)
		large = append(large, h)
	}
	slices.SortFunc(large, func(a, b *accountHistory) int {
		return cmp.Or(cmp.Compare(len(b.records), len(a.records)), strings.Compare(a.spelling, b.spelling))
	})
	for _, h := range large {
		if w.records <= w.pass.Thresholds.Account.MaxRecords/2 {
			return
		}
		w.records -= len(h.records)
		w.fold(h)
		w.records += len(h.records)
	}
}

// thin forgets the ordinary records of an account: those that are not in a dense window, not from a strange sender, and older than open.
// Where the account was used from many networks, it keeps them all.
func (w *accountWatch) thin(h *accountHistory, open mail.Instant) {
	sortRecords(h.records)
	stay := make([]bool, len(h.records))
	var nets []netip.Prefix
	most := w.pass.Thresholds.Account.ManyNetworks
	for i, r := range h.records {
		stay[i] = r.time >= open || oddSender(r)
		if len(nets) < most {
			if net := wideNetwork(r.client.IP); !slices.Contains(nets, net) {
				nets = append(nets, net)
			}
		}
	}
	if len(nets) >= most {
		return
	}
	for _, win := range windows(instants(h.records), w.pace(h)) {
		for i := win.from; i < win.to; i++ {
			stay[i] = true
		}
	}
	kept := h.records[:0]
	for i, r := range h.records {
		if stay[i] {
			kept = append(kept, r)
			continue
		}
		w.forget(h, r)
	}
	clear(h.records[len(kept):])
	h.records = kept
}

// forget counts a record of an account and drops it.
func (w *accountWatch) forget(h *accountHistory, r *record) {
	h.pastMessages++
	if h.pastSenders.Distinct() < pastSendersMost {
		h.pastSenders.Add(strings.ToLower(r.sender), 1)
	}
	if p := h.places[r.client.IP.Unmap()]; p != nil {
		if p.pastMessages == 0 || r.time < p.firstPast {
			p.firstPast = r.time
		}
		p.lastPast = max(p.lastPast, r.time)
		p.pastMessages++
	}
	w.spare.put(r)
}

// pastSendersMost bounds the senders of forgotten messages that are remembered of one account.
const pastSendersMost = 32

// fold makes a story of an account's suspicious records, as long as there is room for stories.
func (w *accountWatch) fold(h *accountHistory) {
	if h.story == nil && w.stories >= storiesMost {
		w.lost += len(h.records)
		for _, r := range h.records {
			w.forget(h, r)
		}
		h.records = nil
		return
	}
	if h.story == nil {
		h.story = newBatch()
		w.stories++
	}
	var owners, others []*record
	isOwners := h.ownersPart(w.denseFrom(h))
	for _, r := range h.records {
		if isOwners(r) {
			owners = append(owners, r)
			continue
		}
		others = append(others, r)
	}
	if len(owners) > len(others)/4 {
		owners, others = nil, h.records // or it would make no room
	}
	for _, r := range others {
		h.story.add(r)
		w.spare.put(r)
	}
	h.story.times = h.story.times[:min(len(h.story.times), storyTimes)]
	h.records = owners
}

// denseFrom is when the window begins that has most of an account's records, which are sorted; without such a window, the first of them.
// What came before is mostly the owner's.
func (w *accountWatch) denseFrom(h *accountHistory) mail.Instant {
	for _, win := range windows(instants(h.records), w.pace(h)) {
		if 2*(win.to-win.from) > len(h.records) {
			return h.records[win.from].time
		}
	}
	return h.records[0].time
}

// ownersPart tells which records are the owner's where most are not: those in the account's own name where nearly all are in another, or
// else those from an address that was used long before begin and sends little.
func (h *accountHistory) ownersPart(begin mail.Instant) func(*record) bool {
	odd, from := 0, make(map[netip.Addr]int)
	for _, r := range h.records {
		from[r.client.IP]++
		if oddSender(r) {
			odd++
		}
	}
	oddOnes := ratio(odd, len(h.records)) >= enough
	return func(r *record) bool {
		if oddOnes {
			return !oddSender(r)
		}
		p := h.places[r.client.IP.Unmap()]
		return p != nil && begin.Sub(p.first) >= atHome && 5*from[r.client.IP] < len(h.records)
	}
}

// oddSender reports whether the sender is of another organisation than the account.
func oddSender(r *record) bool {
	own, other := mail.Domain(r.account), mail.Domain(r.sender)
	return own != "" && other != "" && own != other && organisation(own) != organisation(other)
}
