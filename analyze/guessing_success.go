package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// How many failures before a success mean that a guess succeeded: few over several accounts; on one account more than anybody mistypes, and
// faster than a person types or slower than a person waits.
const (
	sprayTries  = 5
	fewTries    = 10
	manyTries   = 20
	fingers     = 15 * time.Second
	sprayedFrom = 5 // accounts
)

func (q *guessInquiry) judgeWin(b *guess, g *guesser, v *win) {
	tries := g.failures()
	if v.first <= tries.first {
		return
	}
	k, tried := tries.before(v.first), g.accounts.Distinct()
	if v.account == unnamedLogin && v.n >= k {
		return // a device or a probe, which logs in again and again and hands in nothing
	}
	onlyThis := v.account != unnamedLogin && tried == 0 || tried == 1 && (g.accounts.Of(v.account) > 0 || sameName(g.accounts.Values()[0], v.account))
	switch {
	case tried >= sprayedFrom && k >= sprayTries, tried >= 3 && k >= fewTries:
	case onlyThis && k >= fewTries && tries.gap() < fingers:
	case onlyThis && k >= manyTries && q.elsewhere(g, v) && !tries.goOn(v):
		b.unsure = b.unsure || tries.regular()
		b.stopped = b.stopped || q.stopped(tries, v)
	default:
		return
	}
	if onlyThis && tries.ofDevice(v) {
		b.device, b.unsure = true, true
	}
	b.broken = append(b.broken, winner{g, v})
}

// stopped reports whether a login came when the next of evenly spaced tries was due, and ended them. An owner corrects the password of a
// device at any moment, and the device goes on checking mail; a guessing program stops when it has the password.
func (q *guessInquiry) stopped(t *tries, v *win) bool {
	const rests = 6 // times the distance
	gap := t.gap()
	return t.regular() && t.last < v.first && 4*(v.first.Sub(t.last)-gap).Abs() <= gap && v.n <= 2 && q.site.Last.Sub(v.last) >= rests*gap
}

// elsewhere reports whether an account is used from other networks, and was before, but not from the one of g.
func (q *guessInquiry) elsewhere(g *guesser, v *win) bool {
	other := false
	for _, o := range q.won[v.account] {
		if o.g == g || q.site.IsOwn(o.g.client.IP) {
			continue
		}
		if wideNetwork(o.g.client.IP) == wideNetwork(g.client.IP) {
			return false
		}
		other = other || o.v.first < v.first
	}
	return other
}

// sameName reports whether two names are the same account: "susan", and "susan@site.example".
func sameName(a, b string) bool {
	return a == b || mail.LocalPart(a) == mail.LocalPart(b) && (a == mail.LocalPart(a) || b == mail.LocalPart(b))
}

// neighbours looks for logins from a network that succeeded after the failures of others of it.
func (q *guessInquiry) neighbours(b *guess, net netip.Prefix) {
	var wins []winner
	for ip, g := range q.w.clients.All() {
		if NetworkOf(ip) != net || len(g.wins) == 0 {
			continue
		}
		for i := range g.wins {
			if g.wins[i].first < b.first {
				return // somebody is at home there
			}
			wins = append(wins, winner{g, &g.wins[i]})
		}
	}
	one := b.accounts.Distinct() == 1
	if b.n < manyTries || !one && b.accounts.Distinct() < sprayedFrom {
		return
	}
	for _, o := range wins {
		if b.accounts.Of(o.v.account) > 0 && (!one || q.elsewhere(o.g, o.v)) {
			b.broken = append(b.broken, o)
		}
	}
	sortWinners(b.broken)
	if one && len(b.broken) > 0 {
		b.usual = q.livesThere(b.clients[0]) && triesLikeDevices(b.clients, b.n)
		b.unsure = b.usual || (&tries{times: b.times}).regular()
	}
}

// name is the account in words.
func (v *win) name() string {
	if v.account == unnamedLogin {
		return "an account that the log does not name"
	}
	return v.account
}

func sortWinners(all []winner) {
	slices.SortFunc(all, func(a, b winner) int {
		return cmp.Or(cmp.Compare(a.v.first, b.v.first), a.g.client.IP.Compare(b.g.client.IP), strings.Compare(a.v.account, b.v.account))
	})
}
