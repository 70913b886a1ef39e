package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// guessInquiry examines all clients once, at the end.
type guessInquiry struct {
	w       *guessingWatch
	t       *GuessingThresholds
	site    *Site
	won     map[string][]winner // successful logins by account
	guilty  []*guesser          // clients that failed and do not belong here, by address
	told    map[netip.Addr]bool // those in a finding
	results []Finding
}

// winner is a client that logged in to an account.
type winner struct {
	g *guesser
	v *win
}

func (w *guessingWatch) Findings(site *Site) []Finding {
	q := &guessInquiry{w: w, t: &w.pass.Thresholds.Guessing, site: site, won: make(map[string][]winner), told: make(map[netip.Addr]bool)}
	for _, ip := range w.clients.Sorted(netip.Addr.Compare) {
		g := w.clients.Find(ip)
		g.client.IP = ip
		g.join()
		slices.SortFunc(g.wins, func(a, b win) int { return strings.Compare(a.account, b.account) })
		for i := range g.wins {
			if v := &g.wins[i]; v.account != unnamedLogin {
				q.won[v.account] = append(q.won[v.account], winner{g, v})
			}
		}
		if g.failures().n > 0 && !g.belongs() {
			q.guilty = append(q.guilty, g)
		}
	}
	w.nobody.join()
	q.intruders()
	q.networks()
	q.targets()
	q.clients(q.likeTheCrowd())
	q.crowd()
	q.clients(nil) // those of a crowd that was too small to be reported
	if w.clients.Forgotten > 0 || w.names >= q.t.MaxNames {
		site.Notes = append(site.Notes, say("guessing: %d clients with the fewest failed logins were dropped, and names beyond %d were not told apart, to limit the memory used",
			w.clients.Forgotten, q.t.MaxNames))
	}
	return q.results
}

// intruders are clients who got in: a login that succeeded after many that failed.
func (q *guessInquiry) intruders() {
	for _, g := range q.guilty {
		b := newGuess(Subject{IP, g.client.IP.String()}, []*guesser{g})
		for i := range g.wins {
			q.judgeWin(b, g, &g.wins[i])
		}
		if len(b.broken) > 1 && b.broken[0].v.account == unnamedLogin {
			b.broken = b.broken[1:] // it was to one of those that the log names, for all that is known
		}
		if len(b.broken) > 0 {
			q.report(b)
		}
	}
}

// networks are /24 and /64 from which several addresses guess: one finding instead of many, and a success of one address
// counts after the failures of its neighbours.
func (q *guessInquiry) networks() {
	byNet := make(map[netip.Prefix][]*guesser)
	var nets []netip.Prefix
	for _, g := range q.guilty {
		if q.told[g.client.IP] || q.site.IsOwn(g.client.IP) {
			continue
		}
		net := NetworkOf(g.client.IP)
		if byNet[net] == nil {
			nets = append(nets, net)
		}
		byNet[net] = append(byNet[net], g)
	}
	for _, net := range nets {
		clients := byNet[net]
		if len(clients) < manyAddresses || mostly(clients, (*guesser).mistyped) {
			continue
		}
		b := newGuess(Subject{Network, net.String()}, clients)
		if b.n < q.t.MinFailures {
			continue
		}
		if b.usual = mostly(clients, q.isPeople); !b.usual {
			q.neighbours(b, net)
		}
		q.report(b)
	}
}

// targets are accounts that many addresses try, each of them rarely.
func (q *guessInquiry) targets() {
	tried := make(map[string][]*guesser)
	for _, g := range q.guilty {
		if q.told[g.client.IP] || q.site.IsOwn(g.client.IP) {
			continue
		}
		for name := range g.accounts.All {
			tried[name] = append(tried[name], g)
		}
	}
	names := make([]string, 0, len(tried))
	for name, by := range tried {
		if len(by) >= q.t.MinSources && q.isReal(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []*guess
	for _, name := range names {
		if b := q.target(name, tried[name]); b.n >= manyTries || len(b.broken) > 0 {
			all = append(all, b)
		}
	}
	usual := medianTries(all)
	for _, b := range all {
		// Where all accounts are tried alike, it is a crowd's work.
		if len(b.broken) > 0 || len(all) <= manyTargets || b.n >= standsOut*usual {
			q.report(b)
		}
	}
}

const (
	manyTargets = 5
	standsOut   = 5 // times as many tries as at most others
)

func medianTries(all []*guess) int {
	var counts []int
	for _, b := range all {
		counts = append(counts, b.n)
	}
	slices.Sort(counts)
	if len(counts) == 0 {
		return 0
	}
	return counts[len(counts)/2]
}

// target is the tries on one account, by all clients.
func (q *guessInquiry) target(name string, by []*guesser) *guess {
	b := &guess{subject: Subject{Account, name}, clients: by}
	failing := make(map[netip.Prefix]bool)
	for _, g := range by {
		f, n := g.failures(), g.accounts.Of(name)
		b.n += n
		b.accounts.Add(name, n)
		if b.first == 0 || f.first < b.first {
			b.first = f.first
		}
		b.last = max(b.last, f.last)
		failing[NetworkOf(g.client.IP)] = true
	}
	for _, o := range q.won[name] {
		if o.v.first > b.first && failing[NetworkOf(o.g.client.IP)] && !o.g.belongs() && q.elsewhere(o.g, o.v) {
			b.broken = append(b.broken, o)
		}
	}
	sortWinners(b.broken)
	b.usual = q.fromUsualProvider(by) && triesLikeDevices(by, b.n)
	b.unsure = b.usual && len(b.broken) > 0
	return b
}

// tellMost is how many single clients without a success are reported one by one.
const tellMost = 20

// clients reports those that try often, or on many accounts, except some.
func (q *guessInquiry) clients(but map[*guesser]bool) {
	var all []*guess
	for _, g := range q.guilty {
		if q.told[g.client.IP] || but[g] {
			continue
		}
		n, tried := g.failures().n, g.accounts.Distinct()
		if n >= q.t.MinFailures || tried >= q.t.MinAccounts {
			b := newGuess(Subject{IP, g.client.IP.String()}, []*guesser{g})
			q.weigh(b)
			all = append(all, b)
		}
	}
	usual := 0
	if len(all) > manyTargets {
		usual = medianTries(all)
	}
	for _, b := range all {
		// Who tries as often as all the others is noise.
		if b.n < graveTries || b.n < standsOut*usual {
			b.cap = noise
		}
	}
	slices.SortStableFunc(all, func(a, b *guess) int {
		return cmp.Or(cmp.Compare(min(b.Score, b.most()), min(a.Score, a.most())), cmp.Compare(b.n, a.n))
	})
	for _, b := range all[:min(len(all), tellMost)] {
		b.Argument = Argument{}
		q.report(b)
	}
}

// graveTries is the number of tries from which on one client is medium.
const graveTries = 100

// real is how many of the names are accounts: somebody logged in with them, or gets mail here.
func (q *guessInquiry) real(names *Tally) (n int) {
	for name := range names.All {
		if q.isReal(name) {
			n++
		}
	}
	return n
}

func (q *guessInquiry) isReal(name string) bool {
	if len(q.won[name]) > 0 || q.site.KnownRecipient(name) {
		return true
	}
	if strings.Contains(name, "@") {
		return false
	}
	for domain := range q.site.LocalDomains {
		if q.site.KnownRecipient(name+"@"+domain) || len(q.won[name+"@"+domain]) > 0 {
			return true
		}
	}
	return false
}
