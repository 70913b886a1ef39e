package analyze

import (
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// atHome is how long an account must be used from a network before the network is its owner's.
const atHome = 20 * time.Hour

// longAtHome is the same for a network that was first used late, and from which much was sent. Whoever has stolen several passwords
// logs in in the evening and sends on the next day: that network must not pass for the owners'.
const longAtHome = 72 * time.Hour

// homeOfOthers is how many accounts must be used regularly from a provider before it is an ordinary one here.
const homeOfOthers = 3

// homeParts: in a short log, one in so many accounts must be used from a provider before it is an ordinary one here.
const homeParts = 5

// steadyNetworks is the wide networks from which an account was used for days. much is from how many messages much was sent.
func (h *accountHistory) steadyNetworks(much int) map[netip.Prefix]bool {
	type life struct {
		first, last mail.Instant
		messages    int
	}
	lives := make(map[netip.Prefix]life)
	var first, last mail.Instant
	for ip, p := range h.places {
		net := wideNetwork(ip)
		of, ok := lives[net]
		if !ok {
			of = life{first: p.first, last: p.last}
		}
		lives[net] = life{min(of.first, p.first), max(of.last, p.last), of.messages + p.Messages}
		if first == 0 || p.first < first {
			first = p.first
		}
		last = max(last, p.last)
	}
	early := first.Add(last.Sub(first) / 4)
	nets := make(map[netip.Prefix]bool)
	for net, of := range lives {
		used := of.last.Sub(of.first)
		if used >= longAtHome || used >= atHome && (of.first <= early || of.messages < much) {
			nets[net] = true
		}
	}
	return nets
}

// homesInShortLog finds the ordinary providers in a log that is too short for steadyNetworks: those from which a good part of the
// accounts was used, nearly all of them little. An attacker's is used for one account or two, or sends much with each.
func (q *accountInquiry) homesInShortLog() {
	if q.site.Last.Sub(q.site.First) >= atHome {
		return
	}
	busy, quiet := make(map[netip.Prefix]int), make(map[netip.Prefix]int) // accounts
	for _, h := range q.w.accounts.All() {
		sent := make(map[netip.Prefix]int)
		for ip, p := range h.places {
			sent[wideNetwork(ip)] += p.Messages
		}
		for net, n := range sent {
			switch limits := &q.thresholds.Burst; {
			case n < limits.MinMessages:
				quiet[net]++
			case n >= limits.AloneFrom:
				busy[net]++
			}
		}
	}
	for net, n := range quiet {
		if n >= homeOfOthers*max(1, busy[net]) && homeParts*n >= q.w.accounts.Len() {
			q.accountsAtHome[net] = n
		}
	}
}

// mostNetworks is the number of wide networks that nineteen of twenty accounts do not exceed.
func (w *accountWatch) mostNetworks() int {
	var counts []int
	for _, h := range w.accounts.All() {
		nets := make(map[netip.Prefix]bool)
		for ip := range h.places {
			nets[wideNetwork(ip)] = true
		}
		if len(nets) > 0 {
			counts = append(counts, len(nets))
		}
	}
	if len(counts) == 0 {
		return 0
	}
	slices.Sort(counts)
	return counts[(len(counts)-1)*19/20]
}

// failedOnce are the failed logins without those that were logged twice: the session that a client spoke to and the password server
// that it asked log the same one, and either may not name the account. Of each address, it is those of the one who names it more often.
func (h *accountHistory) failedOnce() []failure {
	tries := make(map[netip.Addr]*[witnesses]int32)
	for _, f := range h.failures {
		if tries[f.ip] == nil {
			tries[f.ip] = new([witnesses]int32)
		}
		tries[f.ip][f.by] += f.tries
	}
	var once []failure
	for _, f := range h.failures {
		more := bySession
		if of := tries[f.ip]; of[byPasswords] > of[bySession] {
			more = byPasswords
		}
		if f.by == more {
			once = append(once, f)
		}
	}
	return once
}

// failuresByNetwork is how often a login to an account failed, by the network that tried.
func (h *accountHistory) failuresByNetwork() map[netip.Prefix]int {
	tries := make(map[netip.Prefix]int)
	for _, f := range h.failedOnce() {
		if f.ip.IsValid() {
			tries[NetworkOf(f.ip)] += int(f.tries)
		}
	}
	return tries
}

// guessedFrom are the wide networks from which logins to an account failed often before it was ever used from there. That others here have
// the same provider says nothing about who uses it then.
func (h *accountHistory) guessedFrom() map[netip.Prefix]bool {
	used := make(map[netip.Prefix]mail.Instant) // since when
	for ip, p := range h.places {
		net := wideNetwork(ip)
		if first, ok := used[net]; !ok || p.first < first {
			used[net] = p.first
		}
	}
	tries, guessed := make(map[netip.Prefix]int), make(map[netip.Prefix]bool)
	for _, f := range h.failedOnce() {
		if !f.ip.IsValid() {
			continue
		}
		net := wideNetwork(f.ip)
		if first, ok := used[net]; ok && f.time < first {
			tries[net] += int(f.tries)
			guessed[net] = guessed[net] || tries[net] >= fewTries
		}
	}
	return guessed
}
