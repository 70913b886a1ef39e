package analyze

import (
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// belongs reports whether a client is an office, a webmail or a user's own line: it logged in before it failed, or to about as many
// accounts as it failed on. An attacker tries far more accounts than he gets into. A login that the log does not name is taken for one to
// an account that it does name, if there is any. Of a client with more accounts than are remembered, the log need not say how many
// there are: a host for everybody has a login before its fifth failure, or fails on a few names for each that logs in there.
func (g *guesser) belongs() bool {
	won, early := 0, 0
	first := g.failures().first
	for _, v := range g.wins {
		if v.account != unnamedLogin {
			won++
		}
		if v.first < first {
			early++
		}
	}
	won = max(won, min(1, len(g.wins)))
	tried := g.accounts.Distinct()
	if g.more > 0 {
		return tried <= 5*won || g.failures().before(g.firstWin) < sprayTries
	}
	return early > 0 && tried <= 5*won || won >= 2 && tried <= 2*won
}

// mistyped reports whether a client logged in to each account on which it had failed, after few tries: somebody who mistyped a password, or
// did not know it yet.
func (g *guesser) mistyped() bool {
	f := g.failures()
	if f.n >= fewTries || g.accounts.Distinct() == 0 {
		return false
	}
	for name := range g.accounts.All {
		if !slices.ContainsFunc(g.wins, func(v win) bool { return v.last > f.first && sameName(v.account, name) }) {
			return false
		}
	}
	return true
}

// isOwners reports whether a client tried an account or two that were used from its provider before: telephones with old passwords, which
// change and share their addresses all day.
func (q *guessInquiry) isOwners(g *guesser) bool {
	const shared = 2
	if tried := g.accounts.Distinct(); tried == 0 || tried > shared {
		return false
	}
	net, first := wideNetwork(g.client.IP), g.failures().first
	for name := range g.accounts.All {
		if !slices.ContainsFunc(q.won[name], func(o winner) bool { return wideNetwork(o.g.client.IP) == net && o.v.first < first }) {
			return false
		}
	}
	return true
}

// isPeople reports whether a client is somebody with a wrong password of his own.
func (q *guessInquiry) isPeople(g *guesser) bool { return g.mistyped() || q.isOwners(g) }

// mostly reports whether most clients of a network are of a kind. Of those who guess, hardly one in a hundred gets in, and not just to the
// account that it tried; and few try only accounts of their own provider's customers.
func mostly(clients []*guesser, is func(*guesser) bool) bool {
	n := 0
	for _, g := range clients {
		if is(g) {
			n++
		}
	}
	return 2*n > len(clients)
}

// fromUsualProvider reports whether nearly all clients are in one wide network, from which somebody logs in who did not guess. A guesser's
// are in many; or in one that nobody here has.
func (q *guessInquiry) fromUsualProvider(clients []*guesser) bool {
	nets := make(map[netip.Prefix][]*guesser)
	n := 0
	for _, g := range clients {
		if !g.mistyped() {
			net := wideNetwork(g.client.IP)
			nets[net] = append(nets[net], g)
			n++
		}
	}
	for _, in := range nets {
		if ratio(len(in), n) >= nearlyAll {
			return q.livesThere(in[0])
		}
	}
	return false
}

// devicesTries is more than devices with an old password try in an hour: one that opens five connections whenever it checks, every five
// minutes, tries sixty times.
const devicesTries = 120

// triesLikeDevices reports whether the tries on an account, n of all those of its clients, never came faster than a device or two make them.
func triesLikeDevices(clients []*guesser, n int) bool {
	var times []mail.Instant
	all := 0
	for _, g := range clients {
		f := g.failures()
		times = append(times, f.times...)
		all += f.n
	}
	slices.Sort(times)
	busiest, from := 0, 0
	for i, at := range times {
		for at.Sub(times[from]) >= time.Hour {
			from++
		}
		busiest = max(busiest, i+1-from)
	}
	return ratio(busiest*n, all) < devicesTries
}

// livesThere reports whether somebody who did not guess logs in from the wide network of the guesses.
func (q *guessInquiry) livesThere(of *guesser) bool {
	net := wideNetwork(of.client.IP)
	for ip, g := range q.w.clients.All() {
		if len(g.wins) > 0 && wideNetwork(ip) == net && (g.failures().n == 0 || g.belongs()) {
			return true
		}
	}
	return false
}
