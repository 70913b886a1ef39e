package analyze

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// inquest looks at all accounts once, at the end.
type inquest struct {
	w    *accountWatch
	site *Site
	sent int                  // messages of all accounts …
	days int                  // … and the days on which they sent, over all
	like float64              // messages that accounts send on a day on which they send at all
	home map[netip.Prefix]int // wide networks: how many accounts are at home there
	orgs map[string]string    // organisations of domains that were looked up
	nets int                  // wide networks from which most accounts were used at most
	fail map[netip.Prefix]int // networks: how many accounts somebody there had no password for
}

// Findings looks at every account that sent something, or that was used from many places.
func (w *accountWatch) Findings(site *Site) []Finding {
	q := w.inquest(site)
	var found []Finding
	for _, key := range w.logins.Sorted(strings.Compare) {
		l := w.logins.Find(key)
		charges := q.charges(l)
		var starts []mail.Instant
		for _, c := range charges {
			starts = append(starts, c.Start)
		}
		for _, c := range charges {
			found = append(found, q.finding(c, firstAfter(starts, c.End)))
		}
	}
	if w.lost+w.logins.Forgotten > 0 {
		site.Notes = append(site.Notes, say("accounts: %d accounts, and %d messages or addresses of accounts, were forgotten for want of room",
			w.logins.Forgotten, w.lost))
	}
	return found
}

func (w *accountWatch) inquest(site *Site) *inquest {
	w.joinSpellings(site)
	q := &inquest{w: w, site: site, home: make(map[netip.Prefix]int), orgs: make(map[string]string), fail: make(map[netip.Prefix]int)}
	for _, l := range w.logins.All() {
		q.sent += l.sent
		q.days += bits.OnesCount64(l.days)
		for net := range l.steady(w.pass.Thresholds.Burst.AloneFrom) {
			q.home[net]++
		}
		for net := range l.triedFrom() {
			q.fail[net]++
		}
	}
	q.homesOfADay()
	q.nets = w.mostNetworks()
	q.like = float64(q.sent) / float64(max(1, q.days))
	return q
}

// homesOfADay are the homes in a log in which nobody can be at home for long: wide networks from which a good part of the accounts was
// used, and by nearly each of them little. A thief's is used for one account or two, or much is sent for each.
func (q *inquest) homesOfADay() {
	if q.site.Last.Sub(q.site.First) >= atHome {
		return
	}
	busy, quiet := make(map[netip.Prefix]int), make(map[netip.Prefix]int) // accounts
	for _, l := range q.w.logins.All() {
		sent := make(map[netip.Prefix]int)
		for ip, p := range l.places {
			sent[wideNetwork(ip)] += p.Messages
		}
		for net, n := range sent {
			switch limits := &q.w.pass.Thresholds.Burst; {
			case n < limits.MinMessages:
				quiet[net]++
			case n >= limits.AloneFrom:
				busy[net]++
			}
		}
	}
	for net, n := range quiet {
		if n >= homeOfOthers*max(1, busy[net]) && homeParts*n >= q.w.logins.Len() {
			q.home[net] = n
		}
	}
}

// homeParts: one in so many accounts is used from a provider that belongs here.
const homeParts = 5

// triedFrom is the networks from which a login to an account failed, and how often.
func (l *login) triedFrom() map[netip.Prefix]int {
	tries := make(map[netip.Prefix]int)
	for i := range l.failures {
		if ip := l.failures[i].ip; ip.IsValid() {
			tries[NetworkOf(ip)]++
		}
	}
	return tries
}

// mostNetworks is from how many wide networks nineteen of twenty accounts were used at most.
func (w *accountWatch) mostNetworks() int {
	var counts []int
	for _, l := range w.logins.All() {
		nets := make(map[netip.Prefix]bool)
		for ip := range l.places {
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

// joinSpellings makes one account of "susan" and "susan@site.example": mailbox servers are asked by either, and the SMTP
// server may log the other. It takes a single domain of ours to be sure.
func (w *accountWatch) joinSpellings(site *Site) {
	if len(site.LocalDomains) != 1 {
		return
	}
	for domain := range site.LocalDomains {
		for _, key := range w.logins.Sorted(strings.Compare) {
			name, found := strings.CutSuffix(key, "@"+domain)
			short := w.logins.Find(name)
			if !found || short == nil {
				continue
			}
			long := w.logins.Find(key)
			if short.sent > long.sent {
				long.spelling, long.named = "", 0
			} else if long.sent > 0 {
				short.spelling = ""
			}
			w.join(long, short)
			w.logins.Delete(name)
		}
	}
}

// atHome is how long an account must be used from a network before the network is its owner's.
const atHome = 20 * time.Hour

// twoNights is after how long a network from which a list of dead addresses is written to is a new one: the office at which
// a letter to all customers is written once a year is seen on the first working day.
const twoNights = 2 * atHome

// longAtHome is how long a network must be used that came late and from which much was sent. Somebody who has the passwords of
// several accounts looks round in the evening and sends the day after: his network must not become theirs.
const longAtHome = 72 * time.Hour

// steady is the wide networks from which an account was used for days.
func (l *login) steady(much int) map[netip.Prefix]bool {
	type life struct {
		first, last mail.Instant
		messages    int
	}
	lives := make(map[netip.Prefix]life)
	var first, last mail.Instant
	for ip, p := range l.places {
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

// suspect is an account that is looked at.
type suspect struct {
	*login
	q       *inquest
	windows []window              // of records
	core    []stretch             // in which it sent unusually much, with an hour around
	usual   map[netip.Prefix]bool // networks (/24, /64) and wide ones of its owner
	orgs    map[string]bool       // organisations of the names of these
	habits  map[string]bool       // senders that it always had
	forged  []bool                // by record: in the name of strangers
	strange []bool                // by record: from a network that is not the owner's
}

// charge is what an account is accused of.
type charge struct {
	*suspect
	*batch
	in       []bool  // the records that it counts …
	whole    bool    // … and the story, where there is one
	beside   int     // messages of its owner at the same time
	outside  int     // messages at other times
	forgedN  int     // messages that name a sender of strangers
	strangeN int     // messages from a network that is not the owner's
	dense    bool    // it sent unusually much in minutes
	regular  bool    // and does so on other days
	always   float64 // it does so throughout the log: how many times what others send on a day; else 0
	direct   int     // messages from an address of the owner's, not through a host of ours
	hours    [24]int // messages by hour of UTC
	entries  []entry
	weighing
}

// entry is a login from a network that is not the owner's.
type entry struct {
	time mail.Instant
	at   *place
}

// charges are the accusations of an account, mostly none.
func (q *inquest) charges(l *login) []*charge {
	if l.sent < q.w.pass.Thresholds.Burst.MinMessages {
		return q.visits(l)
	}
	s := &suspect{login: l, q: q}
	sortRecords(s.records)
	s.windows = windows(instants(s.records), q.w.pace(l))
	s.learn()
	all := s.abused()
	for _, win := range s.windows {
		if 2*s.bad(win) < win.to-win.from {
			all = append(all, s.inWindow(win))
		}
	}
	for _, c := range all {
		c.entries = c.entriesOf()
		q.judge(c)
	}
	if told := q.joinCharges(all); len(told) > 0 {
		return told
	}
	if c := s.throughout(); c != nil {
		q.judge(c)
		return q.joinCharges([]*charge{c})
	}
	return q.visits(l)
}

// throughout is the charge of an account from which the log shows little but abuse: it began before the log did, and goes on
// evenly, so that nothing stands out against the account's own past, and the thief's network is the one that is used most.
// What others send on a day, and the lists that they do not write to, tell. Notices of a mail server behind the account bounce,
// too; the owner of a shop writes to people who exist. nil: it is not so.
func (s *suspect) throughout() *charge {
	const mass = 100
	if s.story != nil || len(s.windows) > 0 || len(s.records) < mass || 2*s.past > len(s.records) {
		return nil
	}
	all, nets, notices := new(use), make(map[netip.Prefix]*use), 0
	for _, r := range s.records {
		net := NetworkOf(r.client.IP)
		if nets[net] == nil {
			nets[net] = new(use)
		}
		readers, refused := r.refused()
		for _, u := range [...]*use{all, nets[net]} {
			u.n++
			u.readers += readers
			u.refused += refused
		}
		if r.sender == mail.NullSender {
			notices++
		}
	}
	days := bits.OnesCount64(s.days)
	others := float64(s.q.sent-s.sent) / float64(max(1, s.q.days-days))
	if 5*all.refused < all.readers || 5*notices > all.n || float64(s.sent) < manyTimes*max(1, others)*float64(max(1, days)) {
		return nil
	}
	clear(s.usual)
	clear(s.orgs)
	for net, u := range nets { // from where little comes, and is taken, the owner writes
		if 20*u.n < all.n && 2*ratio(u.refused, u.readers) < ratio(all.refused, all.readers) {
			s.usual[net] = true
		}
	}
	c := s.newCharge(false)
	c.always = float64(s.sent) / float64(max(1, days)) / max(1, others)
	for i, r := range s.records {
		if s.strange[i] = !s.usual[NetworkOf(r.client.IP)] && !s.q.site.IsOwn(r.client.IP); s.usual[NetworkOf(r.client.IP)] {
			continue
		}
		c.take(i, r)
	}
	slices.Sort(c.times)
	c.countBeside()
	c.outside = s.sent - c.Counts.Messages
	c.entries = c.entriesOf()
	return c
}

// joinCharges makes one of what looks like several acts of one story.
func (q *inquest) joinCharges(all []*charge) []*charge {
	slices.SortFunc(all, func(a, b *charge) int { return cmp.Compare(a.Start, b.Start) })
	var told []*charge
	for _, c := range all {
		if c.score < q.w.pass.Thresholds.Score.Low {
			continue
		}
		if n := len(told) - 1; n >= 0 && min(c.score, told[n].score) >= q.w.pass.Thresholds.Score.Medium && c.Start.Sub(told[n].End) <= near {
			told[n].absorb(c)
			told[n].entries = told[n].entriesOf()
			q.judge(told[n])
			continue
		}
		told = append(told, c)
	}
	return told
}

// absorb adds what o counts and c does not: of a window in which he forges every other message, one has what is forged and
// the other has all.
func (c *charge) absorb(o *charge) {
	before := c.Counts.Messages
	if o.whole && !c.whole {
		c.takeStory()
	}
	for i, r := range c.records {
		if o.in[i] && !c.in[i] {
			c.take(i, r)
		}
	}
	slices.Sort(c.times)
	c.outside = max(0, c.outside-(c.Counts.Messages-before))
	c.countBeside()
	c.regular = c.regular && o.regular
	c.dense = c.dense || o.dense
}

// learn finds out what is usual for an account: its owner's networks and senders.
func (s *suspect) learn() {
	const around = time.Hour
	for _, win := range s.unusual() {
		s.core = append(s.core, stretch{s.records[win.from].time.Add(-around), s.records[win.to-1].time.Add(around)})
	}
	if s.story != nil {
		s.core = append(s.core, stretch{s.story.Start.Add(-around), s.story.End.Add(around)})
	}
	s.learnSenders()
	s.forged = make([]bool, len(s.records))
	for i, r := range s.records {
		s.forged[i] = s.isForged(r)
	}
	s.learnNetworks()
	s.strange = make([]bool, len(s.records))
	for i, r := range s.records {
		s.strange[i] = s.isStrange(r.client.IP, s.nameOf(r))
	}
}

// unusual is the windows, unless they are the account's habit: on three days and more, since the log begins, to recipients who
// exist and take it. A customer's mail server sends its mail in the morning.
func (s *suspect) unusual() []window {
	days := make(map[mail.Instant]bool)
	n, refused := 0, 0
	for _, win := range s.windows {
		days[s.records[win.from].time/mail.Instant(24*time.Hour)] = true
		for _, r := range s.records[win.from:win.to] {
			readers, lost := r.refused()
			n += readers
			refused += lost
		}
	}
	log := s.q.site.Last.Sub(s.q.site.First)
	if len(days) < 3 || s.story != nil || ratio(refused, n) >= manyRefused || s.records[s.windows[0].from].time > s.q.site.First.Add(log/4) {
		return s.windows
	}
	return nil
}

// refused is how many recipients there are, and how many did not take it: it bounced, or was put off because of us.
func (r *record) refused() (readers, refused int) {
	r.recipients(func(c *recalled) {
		readers++
		if (c.disposition == mail.Bounced || c.blocked) && !c.limited {
			refused++
		}
	})
	return readers, refused
}

func (s *suspect) nameOf(r *record) string {
	if named(r) {
		return r.client.Name
	}
	return ""
}

func (s *suspect) inCore(t mail.Instant) bool {
	return slices.ContainsFunc(s.core, func(c stretch) bool { return t >= c.from && t <= c.to })
}

// learnSenders finds the senders that an account always had: met in the first quarter of its time, and a day apart, outside
// of the times in which it sent unusually much.
func (s *suspect) learnSenders() {
	s.habits = make(map[string]bool)
	for sender := range s.login.habits.All {
		s.habits[sender] = true
	}
	if len(s.records) == 0 {
		return
	}
	begin, end := s.records[0].time, s.records[len(s.records)-1].time
	lives := make(map[string]*life)
	for _, r := range s.records {
		if s.inCore(r.time) {
			continue
		}
		sender := strings.ToLower(r.sender)
		l := lives[sender]
		if l == nil {
			l = &life{use: use{first: r.time}, nets: make(map[netip.Prefix]bool)}
			lives[sender] = l
		}
		readers, refused := r.refused()
		l.n++
		l.readers += readers
		l.refused += refused
		l.last = r.time
		l.nets[NetworkOf(r.client.IP)] = true
	}
	for sender, l := range lives {
		if l.last.Sub(l.first) >= atHome && l.first <= begin.Add(end.Sub(begin)/4) && !l.isWanderers(s.q.w.pass.Thresholds.Account.ManyNetworks) {
			s.habits[sender] = true
		}
	}
}

// life is what was sent in one name.
type life struct {
	use
	nets map[netip.Prefix]bool
}

// isWanderers reports whether it is that of a thief who is slow, and takes another network for nearly every message: a name that
// goes to a list, of which too much does not arrive, is nobody's habit from there.
func (l *life) isWanderers(networks int) bool {
	return len(l.nets) >= networks && 2*len(l.nets) > l.n && l.unwanted()
}

// isForged reports whether a message names a sender that is neither the account's nor one of ours.
func (s *suspect) isForged(r *record) bool {
	domain := mail.Domain(r.sender)
	if domain == "" || s.q.site.IsOurs(domain) || s.habits[strings.ToLower(r.sender)] {
		return false
	}
	own := mail.Domain(r.account)
	if own == "" {
		return len(s.q.site.LocalDomains) > 0
	}
	return own != domain && s.q.organisation(own) != s.q.organisation(domain)
}

func (q *inquest) organisation(domain string) string {
	org, ok := q.orgs[domain]
	if !ok {
		org = organisation(domain)
		q.orgs[domain] = org
	}
	return org
}

// learnNetworks finds the owner's networks: those from which honest mail came outside of the times in which the account
// sent unusually much, or from which it was used for days.
func (s *suspect) learnNetworks() {
	uses := make(map[netip.Prefix]*use)
	note := func(ip netip.Addr, t mail.Instant, honest bool) *use {
		if s.inCore(t) || !ip.IsValid() {
			return new(use)
		}
		net := NetworkOf(ip)
		u := uses[net]
		if u == nil {
			u = &use{first: t, last: t}
			uses[net] = u
		}
		u.first, u.last = min(u.first, t), max(u.last, t)
		u.n++
		if honest {
			u.honest++
		}
		return u
	}
	forged, busy := make(map[netip.Prefix]int), s.busy()
	for i, r := range s.records {
		if s.forged[i] {
			forged[NetworkOf(r.client.IP)]++
			continue
		}
		readers, refused := r.refused()
		u := note(r.client.IP, r.time, true)
		u.readers += readers
		u.refused += refused
	}
	for ip, p := range s.places {
		for _, in := range p.logins {
			note(ip, in.time, false)
		}
		if p.pastMessages > 0 {
			note(ip, p.firstN, true)
			note(ip, p.lastN, true)
		}
		if n := p.loggedIn[byServer] + p.loggedIn[byWebmail]; n > len(p.logins) {
			note(ip, p.last, false)
		}
	}
	s.usual, s.orgs = make(map[netip.Prefix]bool), make(map[string]bool)
	begin, quarter, all := s.time(uses)
	passing, tries, roams := passers(uses, begin.Add(quarter)), s.triedFrom(), roams(uses)
	for net, u := range uses {
		// What came later and is used much may be a new home, or a thief who takes his time.
		early := u.first <= begin.Add(quarter)
		guessed := tries[net] >= guesses || s.q.fail[net] >= guesses
		if u.first > begin.Add(min(quarter, twoNights)) && u.unwanted() || !early && u.brief() && (passing.unwanted() || guessed) {
			continue
		}
		if roams && u.brief() && u.lost() {
			continue // he was there from the first day
		}
		if in := busy[net]; !early && u.brief() && in != nil && in.n >= s.q.w.pass.Thresholds.Burst.MinMessages && in.n > takesTurns*u.n && in.unwanted() {
			continue // a letter from there to try the password, and then the list
		}
		if u.owners(len(s.core) > 0, early || 10*u.n >= all && takesTurns*forged[net] < u.n) {
			s.usual[net] = true
			s.usual[wideNetwork(net.Addr())] = true
		}
	}
	for _, r := range s.records {
		if s.usual[NetworkOf(r.client.IP)] && named(r) {
			s.orgs[organisation(r.client.Name)] = true
		}
	}
}

// busy is what was sent from each network while the account sent unusually much.
func (s *suspect) busy() map[netip.Prefix]*use {
	nets := make(map[netip.Prefix]*use)
	for _, r := range s.records {
		if !r.client.IP.IsValid() || !s.inCore(r.time) {
			continue
		}
		u := nets[NetworkOf(r.client.IP)]
		if u == nil {
			u = new(use)
			nets[NetworkOf(r.client.IP)] = u
		}
		readers, refused := r.refused()
		u.n++
		u.readers += readers
		u.refused += refused
	}
	return nets
}

// use is how a network was used outside of unusual times.
type use struct {
	first, last mail.Instant
	n, honest   int
	readers     int // recipients of what was sent from there
	refused     int // … to whom it bounced, or who refused it as unwanted
}

// guesses are failed logins, to one account or to as many accounts, after which a message from the same network is not the
// owner's for being alone: who has found a password tries it out.
const guesses = 3

// brief reports whether it was used for some hours only.
func (u *use) brief() bool { return u.last.Sub(u.first) < atHome }

// passers is what the networks have in common that came late and went soon. Who changes his address every hour or two keeps each
// of them below what would betray it; the list that he writes to is the same.
func passers(uses map[netip.Prefix]*use, early mail.Instant) *use {
	all := new(use)
	for _, u := range uses {
		if u.first > early && u.brief() {
			all.readers += u.readers
			all.refused += u.refused
		}
	}
	return all
}

// roams reports whether somebody goes from network to network with a list, whenever he began. An owner on a journey has a dead address
// in one place or two.
func roams(uses map[netip.Prefix]*use) bool {
	const places = 5
	all, n := new(use), 0
	for _, u := range uses {
		if u.brief() { // all of them: where ten letters were written, one that bounces is chance
			all.readers += u.readers
			all.refused += u.refused
			if u.lost() {
				n++
			}
		}
	}
	return n >= places && all.unwanted()
}

// lost reports whether some of what was sent from there did not arrive, more than an owner's letters do.
func (u *use) lost() bool { return u.refused > 0 && ratio(u.refused, u.readers) >= manyRefused }

// unwanted reports whether what was sent from there went to a list, a little every day: an owner who moved writes to people who
// exist.
func (u *use) unwanted() bool { return u.refused >= 5 && ratio(u.refused, u.readers) >= manyRefused }

// manyRefused is the share of recipients to whom letters bounce, or who refuse them, which no owner's letters have.
const manyRefused = 0.08

// owners reports whether it is the owner's. Where nothing unusual stands out, a message alone proves nothing, nor do some days:
// it may be one of many networks from which somebody sends, now and then. The owner's were there early, or are used often.
func (u *use) owners(core, early bool) bool {
	long := u.last.Sub(u.first) >= atHome
	if core {
		return u.honest > 0 || long && u.n >= 3
	}
	return early && long && u.n >= 3
}

// time is when an account was first used, a quarter of the time since, and how often it was used.
func (s *suspect) time(uses map[netip.Prefix]*use) (begin mail.Instant, quarter time.Duration, all int) {
	var end mail.Instant
	for _, u := range uses {
		if begin == 0 || u.first < begin {
			begin = u.first
		}
		end = max(end, u.last)
		all += u.n
	}
	return begin, end.Sub(begin) / 4, all
}

// isStrange reports whether an address is not the owner's: not ours, not in a network of his, and not of a provider at which
// other accounts are at home, too (a mobile network, a service that fetches mail).
func (s *suspect) isStrange(ip netip.Addr, name string) bool {
	if !ip.IsValid() || s.q.site.IsOwn(ip) || s.usual[NetworkOf(ip)] {
		return false
	}
	wide := wideNetwork(ip)
	if s.usual[wide] || s.q.home[wide] >= homeOfOthers {
		return false
	}
	return name == "" || !s.orgs[organisation(name)]
}

// homeOfOthers is how many accounts make a provider that belongs here.
const homeOfOthers = 3

// bad is how many messages of a window are not the owner's by sender or network.
func (s *suspect) bad(win window) (n int) {
	for i := win.from; i < win.to; i++ {
		if s.forged[i] || s.strange[i] {
			n++
		}
	}
	return n
}

// abused is the charge that rests on senders and networks: what is in dense windows of such messages, and what belongs to
// it; where there is no such window, all of them.
func (s *suspect) abused() []*charge {
	in := make([]bool, len(s.records))
	dense := false
	for _, win := range s.windows {
		if 2*s.bad(win) < win.to-win.from {
			continue
		}
		dense = true
		for i := win.from; i < win.to; i++ {
			in[i] = s.forged[i] || s.strange[i]
		}
		s.inOwnName(win, in)
	}
	if dense || s.story != nil {
		s.extend(in)
	} else {
		for i := range in {
			in[i] = s.forged[i] || s.strange[i]
		}
		s.withoutOwnName(in)
		s.withoutStray(in)
	}
	if !dense || s.story != nil {
		return s.charges(in, dense)
	}
	var all []*charge
	for _, part := range s.apart(in) {
		all = append(all, s.charges(part, dense)...)
	}
	// What was abuse at another time is not what the account sends otherwise.
	for _, c := range all {
		for _, o := range all {
			if o != c {
				c.outside -= o.Counts.Messages
			}
		}
	}
	return all
}

// nearlyAll is the share of an abuse that is of one kind, where the little that is of another is the owner's.
const nearlyAll = 0.9

// withoutOwnName takes from an abuse nearly all of which is in strangers' names what is in the account's own, from networks whence
// nothing else of it came: the owner writes from a new place, too, now and then.
func (s *suspect) withoutOwnName(in []bool) {
	all, forged, thieves := 0, 0, make(map[netip.Prefix]bool)
	for i, r := range s.records {
		if !in[i] {
			continue
		}
		all++
		if s.forged[i] {
			forged++
			thieves[NetworkOf(r.client.IP)] = true
		}
	}
	if ratio(forged, all) < nearlyAll {
		return
	}
	for i, r := range s.records {
		if net := NetworkOf(r.client.IP); in[i] && !s.forged[i] && !thieves[net] {
			in[i], s.strange[i] = false, false
			s.usual[net] = true
		}
	}
}

// withoutStray takes from what nothing but its networks betrays the few letters that came from others than nearly all of it and
// were taken: of an account that was hardly used before, no network is known to be its owner's.
func (s *suspect) withoutStray(in []bool) {
	const stray = 20 // one in so many messages
	nets, all := make(map[netip.Prefix]*use), new(use)
	for i, r := range s.records {
		if !in[i] {
			continue
		}
		net := NetworkOf(r.client.IP)
		if nets[net] == nil {
			nets[net] = new(use)
		}
		readers, refused := r.refused()
		for _, u := range [...]*use{all, nets[net]} {
			u.n++
			u.readers += readers
			u.refused += refused
		}
	}
	most := 0
	for _, u := range nets {
		if stray*u.n >= all.n {
			most += u.n
		}
	}
	if ratio(most, all.n) < nearlyAll {
		return
	}
	for i, r := range s.records {
		if u := nets[NetworkOf(r.client.IP)]; in[i] && !s.forged[i] && stray*u.n < all.n && 2*ratio(u.refused, u.readers) < ratio(all.refused, all.readers) {
			in[i] = false
		}
	}
}

// charges are the one of the messages of in, or none where they are few.
func (s *suspect) charges(in []bool, dense bool) []*charge {
	c := s.charge(in, dense)
	if c.Counts.Messages < s.q.w.pass.Thresholds.Burst.MinMessages && (c.Counts.Messages < fewLetters || !c.toMany()) {
		return nil
	}
	c.countBeside()
	return []*charge{c}
}

// countBeside counts what else the account sent while it lasted.
func (c *charge) countBeside() {
	c.beside = 0
	for i, r := range c.records {
		if !c.in[i] && r.time >= c.Start && r.time <= c.End {
			c.beside++
		}
	}
}

// anotherTime is how long nothing must come from an account that was abused before more of it is a story of its own: somebody was
// let in again.
const anotherTime = 7 * 24 * time.Hour

// apart divides the messages of in where nothing came for long, if there were many at a time before and after.
func (s *suspect) apart(in []bool) [][]bool {
	many := make([]bool, len(in))
	for _, win := range s.windows {
		for i := win.from; i < win.to; i++ {
			many[i] = in[i]
		}
	}
	parts := [][]bool{make([]bool, len(in))}
	last, seen := -1, false
	for i := range in {
		if !in[i] {
			continue
		}
		if seen && s.records[i].time.Sub(s.records[last].time) > anotherTime && slices.Contains(many[i:], true) {
			parts, seen = append(parts, make([]bool, len(in))), false
		}
		parts[len(parts)-1][i] = true
		last, seen = i, seen || many[i]
	}
	return parts
}

// Who has a list of addresses may put a hundred of them into one message.
const (
	fewLetters   = 3   // to many: fewer are somebody's invitation
	manyReaders  = 100 // recipients over all, …
	readersEach  = 20  // … in each message, …
	readersTimes = 10  // … and that many times what the account's other messages have
)

// toMany reports whether a charge is of messages with far more recipients than the account writes to otherwise.
func (c *charge) toMany() bool {
	others, readers := 0, 0
	for _, r := range c.login.records {
		if r.time >= c.Start && r.time <= c.End {
			continue
		}
		others++
		r.recipients(func(*recalled) { readers++ })
	}
	each := ratio(c.Counts.Recipients, c.Counts.Messages)
	return c.Counts.Recipients >= manyReaders && each >= readersEach && each >= readersTimes*ratio(readers, others)
}

// takesTurns: of two kinds of senders, one has at least a fifth as many messages as the other.
const takesTurns = 5

// inOwnName adds what the thief sent in the account's own name by the same way as what he forged, where that way, a webmail
// host, is the owner's, too. Names that take turns are one hand's: the owner, who writes there meanwhile, writes as much as at
// other times, and little beside.
func (s *suspect) inOwnName(win window, in []bool) {
	forged, own, all := make(map[netip.Addr]int), make(map[netip.Addr]int), make(map[netip.Addr]int)
	for i, r := range s.records {
		inside := i >= win.from && i < win.to
		switch {
		case s.strange[i]:
		case s.forged[i] && inside:
			forged[r.client.IP]++
		case !s.forged[i]:
			all[r.client.IP]++
			if inside {
				own[r.client.IP]++
			}
		}
	}
	length := s.records[win.to-1].time.Sub(s.records[win.from].time).Minutes()
	for i := win.from; i < win.to; i++ {
		ip := s.records[i].client.IP
		usual := float64(all[ip]-own[ip]) / max(1, s.q.site.Span()-length) * length
		if own[ip] >= s.q.w.pass.Thresholds.Burst.MinMessages && takesTurns*own[ip] >= forged[ip] && forged[ip] > 0 && float64(own[ip]) > tooDense*max(1, usual) {
			in[i] = true
		}
	}
}

// extend adds what belongs to the messages of in: the same senders or networks, or nearby and forged as well.
func (s *suspect) extend(in []bool) {
	const nearby = 24 * time.Hour
	domains, nets := make(map[string]bool), make(map[netip.Prefix]bool)
	var from, to mail.Instant
	if s.story != nil {
		from, to = s.story.Start, s.story.End
		for domain := range s.story.SenderDomains.All {
			domains[domain] = true
		}
	}
	take := func(i int) {
		r := s.records[i]
		in[i] = true
		if s.forged[i] {
			domains[mail.Domain(r.sender)] = true
		}
		if s.strange[i] {
			nets[NetworkOf(r.client.IP)] = true
		}
		if from == 0 || r.time < from {
			from = r.time
		}
		to = max(to, r.time)
	}
	named := s.story != nil // whether anything of it is in the account's own name
	for i := range in {
		if in[i] {
			take(i)
			named = named || !s.forged[i]
		}
	}
	for grown := true; grown; {
		grown = false
		for i, r := range s.records {
			if in[i] {
				continue
			}
			apart := max(from.Sub(r.time), r.time.Sub(to))
			byName := s.forged[i] && (domains[mail.Domain(r.sender)] || apart <= nearby)
			// Who wanders from network to network comes from yet another one; but of a thief who writes in strangers' names alone, a
			// letter in the account's own name from there is as likely the owner's.
			wanders := len(nets) >= manyAddresses && apart <= newcomerPause && (named || s.forged[i])
			byPlace := s.strange[i] && (nets[NetworkOf(r.client.IP)] || wanders)
			if byName || byPlace {
				take(i)
				grown = true
			}
		}
	}
}

// charge counts the messages of in.
func (s *suspect) charge(in []bool, dense bool) *charge {
	c := s.newCharge(dense)
	if s.story != nil {
		c.takeStory()
	}
	for i, r := range s.records {
		if in[i] {
			c.take(i, r)
		}
	}
	slices.Sort(c.times)
	c.outside = s.sent - c.Counts.Messages
	return c
}

func (s *suspect) newCharge(dense bool) *charge {
	return &charge{suspect: s, batch: newBatch(), in: make([]bool, len(s.records)), dense: dense}
}

// takeStory counts the messages that are not remembered one by one.
func (c *charge) takeStory() {
	c.batch.merge(c.story)
	c.whole, c.dense = true, true
	c.forgedN += c.story.marks[foreignSender]
}

func (c *charge) take(i int, r *record) {
	c.in[i] = true
	c.add(r)
	if c.forged[i] {
		c.forgedN++
	}
	if c.strange[i] {
		c.strangeN++
	} else if !c.q.site.IsOwn(r.client.IP) {
		c.direct++
	}
	c.hours[hourOf(r.time)]++
}

// inWindow is the charge of a window that neither sender nor network betrays: much mail in the owner's name, through a host
// of ours or from the owner's own address.
func (s *suspect) inWindow(win window) *charge {
	calm := s.calmClients(win)
	c := s.newCharge(true)
	for i := win.from; i < win.to; i++ {
		if calm[s.records[i].client.IP] {
			c.beside++
			continue
		}
		c.take(i, s.records[i])
	}
	c.outside = s.sent - c.Counts.Messages
	c.regular = s.isRegular(win)
	return c
}

// calmClients are the addresses that send in a window no more than at other times: the owner goes on writing at home while
// somebody else sends with the password. Where they sent most of it, there is nobody else.
func (s *suspect) calmClients(win window) map[netip.Addr]bool {
	inside, all := make(map[netip.Addr]int), make(map[netip.Addr]int)
	for i, r := range s.records {
		all[r.client.IP]++
		if i >= win.from && i < win.to {
			inside[r.client.IP]++
		}
	}
	length := s.records[win.to-1].time.Sub(s.records[win.from].time).Minutes()
	calm, spared := make(map[netip.Addr]bool), 0
	for ip, n := range inside {
		outside := all[ip] - n
		usual := float64(outside) / max(1, s.q.site.Span()-length) * length
		if outside > 0 && float64(n) <= tooDense*max(1, usual) {
			calm[ip] = true
			spared += n
		}
	}
	if 2*spared > win.to-win.from {
		return nil
	}
	return calm
}

// isRegular reports whether an account sends so much on two other days, too.
func (s *suspect) isRegular(win window) bool {
	const day = 20 * time.Hour
	others := 0
	for _, o := range s.windows {
		apart := s.records[o.from].time.Sub(s.records[win.from].time).Abs()
		if o != win && apart > day && 3*(o.to-o.from) >= win.to-win.from {
			others++
		}
	}
	return others >= 2
}
