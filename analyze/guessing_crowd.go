package analyze

import (
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// fewMore is how many times the average of a crowd one of its addresses may try.
const fewMore = 4

// likeTheCrowd are clients that would be reported by themselves, but do hardly more than many others that try the same names: of two
// hundred addresses that work through one list, most try more names, and some more often, than a client must to be reported alone.
func (q *guessInquiry) likeTheCrowd() map[*guesser]bool {
	var names Tally
	tries, seldom := 0, 0
	for _, g := range q.guilty {
		if f := g.failures(); !q.told[g.client.IP] && f.n < 2*q.t.MinFailures {
			names.Merge(&g.accounts)
			tries += f.n
			seldom++
		}
	}
	like := make(map[*guesser]bool)
	if seldom < q.t.MinCrowd {
		return like
	}
	for _, g := range q.guilty {
		shared := 0
		for name, n := range g.accounts.All {
			if names.Of(name) > n {
				shared++
			}
		}
		n := g.failures().n
		like[g] = n < 2*q.t.MinFailures && n*seldom <= fewMore*tries && shared > 0 && 2*shared >= g.accounts.Distinct()
	}
	return like
}

// crowd reports all that is left, if it is more than the noise that every server sees: many addresses, each of which tries rarely, but
// together often. If they come in a short time, that time is reported.
func (q *guessInquiry) crowd() {
	var rest []*guesser
	var times []mail.Instant
	for _, g := range q.guilty {
		if !q.told[g.client.IP] && !q.site.IsOwn(g.client.IP) && !q.isPeople(g) {
			rest = append(rest, g)
			times = append(times, g.failures().times...)
		}
	}
	slices.Sort(times)
	p := pace{minutes: q.site.Span(), minMessages: manyTries, span: time.Hour, pause: 2 * time.Hour, logChance: q.w.pass.Thresholds.Burst.LogChance}
	waves := windows(times, p)
	days := max(1, q.site.Span()/(24*60))
	b := newGuess(Subject{CampaignKind, "guessing"}, rest)
	if len(rest) >= q.t.MinCrowd && float64(b.n) >= float64(q.t.MinCrowdTries)*days && !q.inWaves(times, waves) {
		q.report(b)
		return
	}
	for _, win := range waves {
		q.wave(rest, times[win.from], times[win.to-1])
	}
}

// inWaves reports whether most tries came in a small part of the log's time. The noise of all hours must not hide when the rest began.
func (q *guessInquiry) inWaves(times []mail.Instant, waves []window) bool {
	length := 0.0
	for _, win := range waves {
		length += times[win.to-1].Sub(times[win.from]).Minutes()
	}
	return 4*size(waves) >= 3*len(times) && 2*length <= q.site.Span()
}

// wave reports a crowd that came in a short time.
func (q *guessInquiry) wave(rest []*guesser, from, to mail.Instant) {
	var in []*guesser
	for _, g := range rest {
		if f := g.failures(); f.first >= from && f.last <= to && !q.told[g.client.IP] {
			in = append(in, g)
		}
	}
	if len(in) < q.t.MinSources || newGuess(Subject{CampaignKind, "guessing"}, in).n < manyTries {
		return
	}
	lucky := q.lucky(from, to)
	b := newGuess(Subject{CampaignKind, "guessing"}, append(in, clientsOfWins(lucky)...))
	b.broken = lucky
	sortWinners(b.broken)
	q.report(b)
}

// lucky are the logins of clients who failed while a wave lasted and then got in to that account, whose owner is elsewhere: stolen lists of
// passwords are tried so, one account from each address. People mistype on journeys, too: hence there must be several, from several
// networks, and far more than at other times.
func (q *guessInquiry) lucky(from, to mail.Instant) []winner {
	const several = 3
	var found []winner
	nets := make(map[netip.Prefix]bool)
	others := 0
	for _, g := range q.guilty {
		if q.told[g.client.IP] || !g.mistyped() {
			continue
		}
		f := g.failures()
		for i := range g.wins {
			v := &g.wins[i]
			switch {
			case v.first <= f.first || g.accounts.Of(v.account) == 0 || !q.elsewhere(g, v):
			case f.first < from || f.first > to:
				others++
			default:
				found = append(found, winner{g, v})
				nets[wideNetwork(g.client.IP)] = true
			}
		}
	}
	length := to.Sub(from).Minutes()
	usual := float64(others) * length / max(1, q.site.Span()-length)
	if len(found) < several || 2*len(nets) < len(found) || float64(len(found)) <= tooDense*usual {
		return nil
	}
	return found
}

func clientsOfWins(wins []winner) []*guesser {
	var clients []*guesser
	for _, o := range wins {
		if !slices.Contains(clients, o.g) {
			clients = append(clients, o.g)
		}
	}
	return clients
}
