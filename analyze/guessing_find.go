package analyze

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
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

// belongs reports whether a client is an office, a webmail or a user's own line: it logged in before it failed, or to about as many
// accounts as it failed on. An attacker tries far more accounts than he gets into. A login that the log does not name is taken for one to
// an account that it does name, if there is any.
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
	return g.more > 0 || early > 0 && tried <= 5*won || won >= 2 && tried <= 2*won
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

// guess is clients that guess passwords together, and whether one succeeded.
type guess struct {
	subject  Subject
	clients  []*guesser
	accounts Tally
	n        int
	unknown  int
	broken   []winner // logins that succeeded after it
	unsure   bool     // and may be the owner's …
	stopped  bool     // … but did what no device does
	usual    bool     // all came from one provider that users here have
	first    mail.Instant
	last     mail.Instant
	times    []mail.Instant // all of them; nil where not all are known
	cap      float64        // the most that it is worth without a success; 0: unbroken
	Argument
}

// most is the highest score that a guess without a success may have.
func (b *guess) most() float64 {
	if b.cap > 0 {
		return b.cap
	}
	return unbroken
}

func newGuess(subject Subject, clients []*guesser) *guess {
	b := &guess{subject: subject, clients: clients}
	complete := true
	for _, g := range clients {
		f := g.failures()
		b.n += f.n
		b.unknown += g.unknown
		b.accounts.Merge(&g.accounts)
		if b.first == 0 || f.first < b.first {
			b.first = f.first
		}
		b.last = max(b.last, f.last)
		complete = complete && len(f.times) == f.n
		b.times = append(b.times, f.times...)
	}
	slices.Sort(b.times)
	if !complete {
		b.times = nil
	}
	return b
}

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
	case onlyThis && k >= manyTries && q.elsewhere(g, v):
		b.unsure = b.unsure || tries.regular()
		b.stopped = b.stopped || q.stopped(tries, v)
	default:
		return
	}
	b.broken = append(b.broken, winner{g, v})
}

// name is the account in words.
func (v *win) name() string {
	if v.account == unnamedLogin {
		return "an account that the log does not name"
	}
	return v.account
}

// stopped reports whether a login came when the next of evenly spaced tries was due, and ended them. An owner corrects the password of a
// device at any moment, and the device goes on checking mail; a guessing program stops when it has the password.
func (q *guessInquiry) stopped(t *tries, v *win) bool {
	const rests = 6 // times the distance
	gap := t.gap()
	return t.regular() && t.last < v.first && 4*(v.first.Sub(t.last)-gap).Abs() <= gap && v.n <= 2 && q.site.Last.Sub(v.last) >= rests*gap
}

// sameName reports whether two names are the same account: "susan", and "susan@site.example".
func sameName(a, b string) bool {
	return a == b || mail.LocalPart(a) == mail.LocalPart(b) && (a == mail.LocalPart(a) || b == mail.LocalPart(b))
}

// before is how many tries there were before an instant.
func (t *tries) before(at mail.Instant) int {
	if at > t.last {
		return t.n
	}
	n, _ := slices.BinarySearch(t.times, at)
	return n
}

// gap is the median time between tries.
func (t *tries) gap() time.Duration {
	if len(t.times) < 2 {
		return math.MaxInt64
	}
	gaps := t.gaps()
	return gaps[len(gaps)/2]
}

// gaps are the times between tries, sorted.
func (t *tries) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(t.times); i++ {
		gaps = append(gaps, t.times[i].Sub(t.times[i-1]))
	}
	slices.Sort(gaps)
	return gaps
}

// regular reports whether most tries come at the same interval, a minute or longer: a program that does not know that the password was
// changed.
func (t *tries) regular() bool {
	gaps := t.gaps()
	if len(gaps) < 4 {
		return false
	}
	low, mid, high := gaps[len(gaps)/4], gaps[len(gaps)/2], gaps[len(gaps)*3/4]
	return mid >= time.Minute && 4*(high-low) <= mid
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
		b.usual = q.livesThere(b.clients[0])
		b.unsure = b.usual || (&tries{times: b.times}).regular()
	}
}

func sortWinners(all []winner) {
	slices.SortFunc(all, func(a, b winner) int {
		return cmp.Or(cmp.Compare(a.v.first, b.v.first), a.g.client.IP.Compare(b.g.client.IP), strings.Compare(a.v.account, b.v.account))
	})
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
	b.usual = q.fromUsualProvider(by)
	b.unsure = b.usual && len(b.broken) > 0
	return b
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

// most is how many single clients without a success are reported one by one.
const tellMost = 20

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

// weigh gives a guess its reasons and its score.
func (q *guessInquiry) weigh(b *guess) {
	tried, real := b.accounts.Distinct(), q.real(&b.accounts)
	b.because("failed-logins", failedLogins, "%s on %s from %s", plural(b.n, "failed login", "failed logins"), b.tried(), plural(len(b.clients), "address", "addresses"))
	switch {
	case b.n >= 1000:
		b.because("many", 0.2, "a thousand tries or more")
	case b.n >= 100:
		b.because("many", 0.1, "a hundred tries or more")
	}
	switch {
	case tried >= 20:
		b.because("many-accounts", 0.2, "%d names were tried", tried)
	case tried >= q.t.MinAccounts:
		b.because("many-accounts", 0.1, "%d names were tried", tried)
	}
	if len(b.clients) >= 30 {
		b.because("many-clients", 0.1, "%d addresses, %.1f tries each", len(b.clients), float64(b.n)/float64(len(b.clients)))
	}
	if real >= 3 && 2*real >= tried || real > 0 && b.subject.Kind == Account {
		b.because("real-accounts", 0.1, "%d of them are real accounts here: somebody has a list", real)
	}
	minutes := b.minutes()
	switch rate := float64(b.n) / minutes; {
	case rate >= 10:
		b.because("fast", 0.1, "%.0f a minute", rate)
	case b.slow():
		b.because("slow", 0.1, "too slow for a limit to notice: one in %s", duration(time.Duration(minutes/float64(b.n)*float64(time.Minute))))
	}
	if len(b.broken) > 0 {
		q.weighBroken(b)
		return
	}
	q.harmless(b, tried, real)
}

// tried is how many names were tried, in words: many versions of Postfix do not log them.
func (b *guess) tried() string {
	const rest = "that its lines do not name"
	switch n := b.accounts.Distinct(); {
	case n == 0:
		return "accounts " + rest
	case 2*b.accounts.Total() < b.n:
		return plural(n, "account", "accounts") + " and others " + rest
	default:
		return plural(n, "account", "accounts")
	}
}

// collects is the longest interval at which a device checks mail. An attacker who is as slow, and tries one account only, gets nowhere.
const collects = 5 * time.Minute

func (q *guessInquiry) weighBroken(b *guess) {
	var names []string
	for _, o := range b.broken {
		if name := o.v.name(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if b.usual {
		b.because("succeeded-perhaps", 0.15, "then a login to %s succeeded, from a network that the account does not use otherwise", strings.Join(names, ", "))
		b.atMost(noise, "old-password", changingDevice)
		return
	}
	if b.unsure {
		weight := 0.35
		gap := b.clients[0].failures().gap()
		if len(b.clients) > 1 {
			gap = (&tries{times: b.times}).gap()
		}
		if gap >= collects && !b.stopped {
			weight = 0.15
		}
		b.because("succeeded-perhaps", weight, "then a login to %s succeeded, from a network that the account does not use otherwise; the tries came at even intervals, as from a device with an old password",
			strings.Join(names, ", "))
		if b.stopped {
			b.because("stopped", 0.05, "it came when the next try was due, and none came after it: a device would go on checking mail")
		}
		return
	}
	b.because("succeeded", 0.7, "then a login succeeded: %s", strings.Join(names, ", "))
}

// minutes is how long it went on.
func (b *guess) minutes() float64 { return max(1, b.last.Sub(b.first).Minutes()) }

// slow reports whether they are too slow for a limit to notice.
func (b *guess) slow() bool {
	return b.last.Sub(b.first) >= 12*time.Hour && float64(b.n)/b.minutes() <= 0.2 && b.n >= manyTries
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

// harmless lowers the score of daily noise (names that nobody has, a device with an old password) and of tries that never succeeded. That is
// a reason, too: the weights add up to the score.
func (q *guessInquiry) harmless(b *guess, tried, real int) {
	switch {
	case len(b.clients) == 1 && tried == 1 && b.clients[0].failures().regular():
		b.excuse(0.3, 0.25, "old-password", "one account, at even intervals: a device with an old password")
	case tried > 0 && real == 0:
		b.excuse(0.1, noise, "nobody-there", "none of the names is an account in use here")
	case b.subject.Kind == Network && tried == 1 && b.slow() && q.livesThere(b.clients[0]):
		b.excuse(0.1, noise, "old-password", "one account, a try now and then, from a provider that users here have: a device with an old password whose address changes")
	case b.usual && b.subject.Kind == Network:
		b.excuse(0.1, noise, "old-password", "most of its addresses tried an account or two that are used from this provider: devices with old passwords, whose addresses change")
	case b.usual:
		b.excuse(0.1, noise, "old-password", changingDevice)
	case tried > 0 && tried <= 2 && b.n < 100:
		b.atMost(noise, "few-tries", "few tries on few names: every server sees as many")
	case len(b.clients) > 1 && b.subject.Kind != Network && q.always(b):
		b.excuse(0.1, noise, "always", "goes on all the time, as on every server")
	}
	if b.cap > 0 {
		b.atMost(b.cap, "like-the-others", "others try as often: it does not stand out")
	}
	b.atMost(unbroken, "not-in", "none of the tries succeeded, as far as the log shows")
}

const changingDevice = "one account, and all from one provider that users here have: a device with an old password, whose address changes"

// excuse lowers the score by so much, and to at most so much, but not below that of any failed logins.
func (b *guess) excuse(by, most float64, code, text string) {
	b.because(code, max(failedLogins, min(b.Score-by, most))-b.Score, "%s", text)
}

// The score of any failed logins, the highest of tries without a success, and the highest of noise.
const (
	failedLogins = 0.2
	unbroken     = 0.7
	noise        = 0.45
)

// always reports whether the tries are spread over most of a long log, so that no beginning and no end can be given.
func (q *guessInquiry) always(b *guess) bool {
	log := q.site.Last.Sub(q.site.First)
	return log >= 24*time.Hour && b.last.Sub(b.first) >= log*6/10
}

// report makes a finding of guesses.
func (q *guessInquiry) report(b *guess) {
	q.weigh(b)
	for _, g := range b.clients {
		q.told[g.client.IP] = b.subject.Kind != Account || q.told[g.client.IP]
	}
	var d Dossier
	for _, g := range b.clients {
		n := g.failures().n
		if b.subject.Kind == Account {
			n = g.accounts.Of(b.subject.Value)
		}
		if c := d.Client(g.client); c != nil {
			c.FailedLogins += n
		}
		for host, n := range g.hosts.All {
			d.Hosts.Add(host, n)
		}
		d.Evidence.Add(g.first)
		d.Evidence.Add(g.last)
	}
	end := b.last
	for _, o := range b.broken {
		if c := d.Client(o.g.client); c != nil {
			c.Logins += o.v.n
		}
		d.Counts.Logins += o.v.n
		d.Evidence.Mark("a login that succeeded: "+o.v.name(), o.v.line)
		end = max(end, o.v.first)
	}
	d.Counts.FailedLogins = b.n
	for _, at := range b.times {
		d.Buckets.Add(at, 0, 1)
	}
	f := Finding{Subject: b.subject, Argument: b.Argument, Title: b.title(), Start: b.first, End: end, Rate: RateOf(b.times), Facts: q.facts(b)}
	slices.SortStableFunc(f.Reasons, func(x, y Reason) int { return cmp.Compare(y.Weight, x.Weight) })
	d.Fill(&f)
	f.Accounts = b.accounts.Values()
	for _, o := range b.broken {
		if o.v.account == unnamedLogin {
			continue
		}
		if !slices.Contains(f.Accounts, o.v.account) {
			f.Accounts = append(f.Accounts, o.v.account)
		}
		if !b.unsure && !slices.Contains(f.Opened, o.v.account) {
			f.Opened = append(f.Opened, o.v.account)
		}
	}
	slices.Sort(f.Accounts)
	slices.Sort(f.Opened)
	q.results = append(q.results, f)
}

func (b *guess) title() string {
	tries := plural(b.n, "failed login", "failed logins")
	var text string
	switch b.subject.Kind {
	case IP:
		text = fmt.Sprintf("%s: %s on %s", b.subject.Value, tries, b.tried())
	case Network:
		text = say("%s: %s on %s from %d addresses", b.subject.Value, tries, b.tried(), len(b.clients))
	case Account:
		text = say("Account %s: %s from %d addresses", b.subject.Value, tries, len(b.clients))
	default:
		text = say("%s on %s from %d addresses, few from each", tries, b.tried(), len(b.clients))
	}
	switch {
	case len(b.broken) == 0:
	case b.unsure:
		text += fmt.Sprintf(", then one that succeeded (%s): a device with an old password, or a guess", b.broken[0].v.name())
	default:
		text += ", then one that succeeded: " + b.broken[0].v.name()
		if n := len(b.broken) - 1; n > 0 {
			text += say(" and %d more", n)
		}
	}
	return text
}

// facts are what was tried, and what succeeded.
func (q *guessInquiry) facts(b *guess) []Fact {
	var facts []Fact
	if len(b.broken) > 0 {
		var words []string
		for _, o := range b.broken[:min(5, len(b.broken))] {
			words = append(words, fmt.Sprintf("%s from %s, %s after the first try, %s in all", o.v.name(), o.g.client.IP,
				duration(o.v.first.Sub(b.first)), plural(o.v.n, "login or message", "logins and messages")))
		}
		facts = append(facts, Fact{"succeeded", strings.Join(words, "; ")})
	}
	if b.accounts.Distinct() > 1 {
		var names []string
		for _, c := range b.accounts.Top(5) {
			names = append(names, say("%s (%d)", c.Value, c.Messages))
		}
		facts = append(facts, Fact{"tried most", strings.Join(names, ", ")})
	}
	if o := &q.w.nobody; 2*b.accounts.Total() < b.n && o.accounts.Distinct() > 0 && o.failures().first <= b.last && o.failures().last >= b.first {
		var names []string
		for _, c := range o.accounts.Top(5) {
			names = append(names, say("%s (%d)", c.Value, c.Messages))
		}
		facts = append(facts, Fact{"named elsewhere", say("the password server's own lines name %s in all, but no address; most often ",
			plural(o.accounts.Distinct(), "account", "accounts")) + strings.Join(names, ", ")})
	}
	if b.unknown > 0 {
		facts = append(facts, Fact{"unknown names", fmt.Sprintf("%s for names that the password server does not know", plural(b.unknown, "try", "tries"))})
	}
	return facts
}
