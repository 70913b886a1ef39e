package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

var account = Detector{
	Name:    "account",
	Command: "accounts",
	Title:   "a login that somebody else uses",
	Doc:     accountDoc,
	New:     func(p *Pass) Watch { return newAccountWatch(p) },
}

// login is what is remembered of an account.
type login struct {
	spelling string // as it was written first
	named    mail.Instant
	sent     int
	days     uint64    // on which it sent, one bit a day, modulo 64
	records  []*record // its messages, one by one
	past     int       // messages that are only counted
	habits   Tally     // senders of these
	story    *batch    // of those that were odd, when they were too many
	places   map[netip.Addr]*place
	latest   *place // of places: the next use is mostly from the same
	failures []failure
	failed   int
	refused  []refusal
}

// place is an address from which an account was used.
type place struct {
	ClientCount
	first, last   mail.Instant
	loggedIn      [loginSources]int // successful logins by who tells of them
	logins        []signIn          // the first of them
	line          Evidence          // of the first
	pastMessages  int               // those that are only counted
	firstN, lastN mail.Instant      // of messages that are only counted
}

// signIn is a successful login.
type signIn struct {
	time   mail.Instant
	source loginSource
}

// loginSource is who tells of a login: the webmail's own log and the mailbox server tell of the same one.
type loginSource uint8

const (
	byServer loginSource = iota
	byWebmail
	loginSources
)

// failure is a failed login.
type failure struct {
	time mail.Instant
	ip   netip.Addr
	line string
}

const (
	placeLogins    = 32     // successful logins of one address that are remembered one by one
	failuresOfOne  = 256    // failed logins of one account
	failuresMost   = 20_000 // of all accounts
	refusedOfOne   = 4096   // refused attempts of one account
	refusedMost    = 50_000
	storiesMost    = 64
	placesOfOne    = dossierClients
	placesForgiven = 24 * time.Hour // how long an address must be quiet to be forgotten
)

// accountWatch remembers the latest messages with a login one by one, and every address from which an account was used.
type accountWatch struct {
	pass     *Pass
	logins   *Entities[string, login]
	spare    recordPool
	records  int
	stories  int
	places   int
	failures int
	refused  int
	lost     int // messages, addresses that were dropped for want of room
	roomMade mail.Instant
	hours    [24]int // messages by hour of UTC
	first    mail.Instant
	last     mail.Instant
}

func newAccountWatch(p *Pass) *accountWatch {
	return &accountWatch{pass: p, logins: NewEntities(p.Thresholds.Account.MaxAccounts, (*login).weight, strings.Clone)}
}

// weight is how much an account matters: names that were only guessed do not.
func (l *login) weight() int { return l.sent + len(l.places) }

func (w *accountWatch) Message(m *mail.Message) {
	if m.Account == "" || m.Notice || m.Has(mail.Doubtful) || m.Time == 0 {
		return
	}
	w.seen(m.Time)
	w.hours[hourOf(m.Time)]++
	l := w.logins.At(loginKey(m.Account))
	l.call(m.Account, m.Time)
	l.sent++
	l.days |= 1 << (uint64(m.Time) / uint64(24*time.Hour) % 64)
	client := m.Client
	if !m.Has(mail.Verified) {
		client.Name = ""
	}
	if p := w.place(l, client, m.Time); p != nil {
		p.Messages++
	}
	r := w.spare.take()
	r.remember(m)
	l.records = append(l.records, r)
	if w.records++; w.records >= w.pass.Thresholds.Account.MaxRecords {
		w.compact()
	}
}

func (w *accountWatch) seen(t mail.Instant) {
	if w.first == 0 || t < w.first {
		w.first = t
	}
	w.last = max(w.last, t)
}

func hourOf(t mail.Instant) int { return (int(t/mail.Instant(time.Hour))%24 + 24) % 24 } // a stamp may lie before 1970

// call notes how an account was written; the earliest spelling stays.
func (l *login) call(name string, t mail.Instant) {
	if l.spelling == "" || t < l.named || t == l.named && name < l.spelling {
		if l.spelling != name {
			l.spelling = strings.Clone(name)
		}
		l.named = t
	}
}

// place is the entry of an address of an account, made when it is new; nil where there is no address or no room.
func (w *accountWatch) place(l *login, c mail.Client, t mail.Instant) *place {
	if !c.IP.IsValid() {
		return nil
	}
	ip := c.IP.Unmap()
	p := l.latest
	if p == nil || p.IP != ip {
		p = l.places[ip]
	}
	if p == nil {
		if w.places >= w.pass.Thresholds.Account.MaxPlaces {
			w.makeRoom()
		}
		if w.places >= w.pass.Thresholds.Account.MaxPlaces || len(l.places) >= placesOfOne {
			w.lost++
			return nil
		}
		if l.places == nil {
			l.places = make(map[netip.Addr]*place, 2)
		}
		p = &place{ClientCount: ClientCount{Client: mail.Client{IP: ip}}, first: t}
		l.places[ip] = p
		w.places++
	}
	l.latest = p
	p.complete(c)
	p.first, p.last = min(p.first, t), max(p.last, t)
	return p
}

// makeRoom forgets addresses that were used once or twice and are quiet for a day; once in an hour of the log, so that a
// flood does not make it look at everything all the time; where nobody logged in or sent, there is nothing to forget.
func (w *accountWatch) makeRoom() {
	if w.last.Sub(w.roomMade) < time.Hour {
		return
	}
	w.roomMade = w.last
	w.places, w.failures, w.refused, w.stories = 0, 0, 0, 0
	for _, l := range w.logins.All() {
		l.latest = nil
		for ip, p := range l.places {
			if p.Messages+len(p.logins) <= 2 && w.last.Sub(p.last) > placesForgiven {
				delete(l.places, ip)
				w.lost++
			}
		}
		w.places += len(l.places)
		w.failures += len(l.failures)
		w.refused += len(l.refused)
		if l.story != nil {
			w.stories++
		}
	}
}

func (w *accountWatch) Event(ev *mail.Event) {
	switch ev.Kind {
	case mail.Auth:
		w.success(ev)
	case mail.AuthFailed:
		w.failure(ev)
	case mail.Reject:
		if ev.Account != "" && IsRefusal(ev) {
			w.refuse(ev)
		}
	}
}

func (w *accountWatch) success(ev *mail.Event) {
	if ev.Account == "" || ev.Time == 0 {
		return
	}
	w.seen(ev.Time)
	l := w.logins.At(loginKey(ev.Account))
	l.call(ev.Account, ev.Time)
	p := w.place(l, ev.Client, ev.Time)
	if p == nil {
		return
	}
	source := byServer
	if ev.MTA == mail.Webmail {
		source = byWebmail
	}
	p.loggedIn[source]++
	p.enter(signIn{ev.Time, source})
	if e := EventEvidence(ev); p.line.Text == "" || before(e, p.line) {
		p.line = owned(e)
	}
}

// enter keeps the first logins, in order.
func (p *place) enter(in signIn) {
	if len(p.logins) == placeLogins && compareLogins(in, p.logins[placeLogins-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(p.logins, in, compareLogins)
	p.logins = slices.Insert(p.logins, at, in)
	p.logins = p.logins[:min(len(p.logins), placeLogins)]
}

func compareLogins(a, b signIn) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.source, b.source))
}

// sameLogin is how far apart the lines of one login lie: a busy server writes its own some seconds later.
const sameLogin = 10 * time.Second

// count is how many successful logins there were: a webmail's and the one that it made at the mailbox server are one, where
// both name the browser's address.
func (p *place) count() int {
	if n := p.loggedIn[byServer] + p.loggedIn[byWebmail]; n > len(p.logins) {
		return max(p.loggedIn[byServer], p.loggedIn[byWebmail])
	}
	return p.within(p.first, p.last)
}

// within is how many of the logins that are remembered fall into a time.
func (p *place) within(from, to mail.Instant) (n int) {
	var open []mail.Instant // of the webmail or of the server, without its pair
	var of loginSource
	for _, in := range p.logins {
		if in.time < from || in.time > to {
			continue
		}
		if len(open) > 0 && in.source != of && in.time.Sub(open[0]) <= sameLogin {
			open = open[1:]
			continue
		}
		if in.source != of {
			open = nil
		}
		of = in.source
		for len(open) > 0 && in.time.Sub(open[0]) > sameLogin {
			open = open[1:]
		}
		open = append(open, in.time)
		n++
	}
	return n
}

// failure notes a failed login of an account that is named. What a password server says again is left out.
func (w *accountWatch) failure(ev *mail.Event) {
	if ev.Account == "" || len(ev.Account) > longestName || ev.Time == 0 || !isGuess(ev) || ev.Service == "auth" && ev.Client.IP.IsValid() {
		return
	}
	l := w.logins.At(loginKey(ev.Account))
	l.failed += attemptsOf(ev)
	if w.failures >= failuresMost {
		w.makeRoom()
	}
	if len(l.failures) < failuresOfOne && w.failures < failuresMost {
		w.failures++
		l.failures = append(l.failures, failure{ev.Time, ev.Client.IP.Unmap(), strings.Clone(shortEvidence(ev).Text)})
	}
}

func (w *accountWatch) refuse(ev *mail.Event) {
	l := w.logins.At(loginKey(ev.Account))
	l.call(ev.Account, ev.Time)
	if len(l.refused) < refusedOfOne && w.refused < refusedMost {
		w.refused++
		l.refused = append(l.refused, refusal{ev.Time, ev.Client.IP.Unmap(), unknownRecipient(ev.DSN, ev.Reply)})
	}
}

// compact makes room for records: what is neither dense nor odd is only counted; then the largest become stories.
func (w *accountWatch) compact() {
	open := w.last.Add(-time.Hour)
	var large []*login
	w.records, w.stories = 0, 0
	for _, l := range w.logins.All() {
		if l.story != nil {
			w.stories++
		}
		if len(l.records) == 0 {
			continue
		}
		w.thin(l, open)
		w.records += len(l.records)
		large = append(large, l)
	}
	slices.SortFunc(large, func(a, b *login) int {
		return cmp.Or(cmp.Compare(len(b.records), len(a.records)), strings.Compare(a.spelling, b.spelling))
	})
	for _, l := range large {
		if w.records <= w.pass.Thresholds.Account.MaxRecords/2 {
			return
		}
		w.records -= len(l.records)
		w.fold(l)
		w.records += len(l.records)
	}
}

// thin forgets the records of an account that look like anybody's.
func (w *accountWatch) thin(l *login, open mail.Instant) {
	sortRecords(l.records)
	stay := make([]bool, len(l.records))
	var nets []netip.Prefix
	most := w.pass.Thresholds.Account.ManyNetworks
	for i, r := range l.records {
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
	for _, win := range windows(instants(l.records), w.pace(l)) {
		for i := win.from; i < win.to; i++ {
			stay[i] = true
		}
	}
	kept := l.records[:0]
	for i, r := range l.records {
		if stay[i] {
			kept = append(kept, r)
			continue
		}
		w.forget(l, r)
	}
	clear(l.records[len(kept):])
	l.records = kept
}

// forget counts a record of an account and lets go of it.
func (w *accountWatch) forget(l *login, r *record) {
	l.past++
	if l.habits.Distinct() < habitsMost {
		l.habits.Add(strings.ToLower(r.sender), 1)
	}
	if p := l.places[r.client.IP.Unmap()]; p != nil {
		if p.pastMessages == 0 || r.time < p.firstN {
			p.firstN = r.time
		}
		p.lastN = max(p.lastN, r.time)
		p.pastMessages++
	}
	w.spare.put(r)
}

// habitsMost bounds the senders of the past that are known of one account.
const habitsMost = 32

// fold makes a story of an account's records, as far as there is room for stories.
func (w *accountWatch) fold(l *login) {
	if l.story == nil && w.stories >= storiesMost {
		w.lost += len(l.records)
		for _, r := range l.records {
			w.forget(l, r)
		}
		l.records = nil
		return
	}
	if l.story == nil {
		l.story = newBatch()
		w.stories++
	}
	var beside, told []*record
	isOwners := l.ownersPart(w.denseFrom(l))
	for _, r := range l.records {
		if isOwners(r) {
			beside = append(beside, r)
			continue
		}
		told = append(told, r)
	}
	if len(beside) > len(told)/4 {
		beside, told = nil, l.records // or there would be no room made
	}
	for _, r := range told {
		l.story.add(r)
		w.spare.put(r)
	}
	l.story.times = l.story.times[:min(len(l.story.times), storyTimes)]
	l.records = beside
}

// denseFrom is when most of an account's records, which are sorted, begin. What came before them is mostly the owner's, whose own
// first message says nothing about when somebody else began.
func (w *accountWatch) denseFrom(l *login) mail.Instant {
	for _, win := range windows(instants(l.records), w.pace(l)) {
		if 2*(win.to-win.from) > len(l.records) {
			return l.records[win.from].time
		}
	}
	return l.records[0].time
}

// ownersPart tells, among many records of which most are odd or dense, the few that are neither: from an address that was
// used long before begin, or in the account's name where most are in another.
func (l *login) ownersPart(begin mail.Instant) func(*record) bool {
	odd, from := 0, make(map[netip.Addr]int)
	for _, r := range l.records {
		from[r.client.IP]++
		if oddSender(r) {
			odd++
		}
	}
	oddOnes := ratio(odd, len(l.records)) >= enough
	return func(r *record) bool {
		if oddOnes {
			return !oddSender(r)
		}
		p := l.places[r.client.IP.Unmap()]
		return p != nil && begin.Sub(p.first) >= atHome && 5*from[r.client.IP] < len(l.records)
	}
}

// oddSender reports whether an account writes in the name of another organisation.
func oddSender(r *record) bool {
	own, other := mail.Domain(r.account), mail.Domain(r.sender)
	return own != "" && other != "" && own != other && organisation(own) != organisation(other)
}

// wideNetwork is the /16 or /32 of an address: mostly one provider's.
func wideNetwork(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 16
	if ip.Is6() {
		bits = 32
	}
	p, _ := ip.Prefix(bits)
	return p
}

// pace is what the instants of an account are measured against.
func (w *accountWatch) pace(l *login) pace {
	t := &w.pass.Thresholds.Burst
	minutes := max(1, w.last.Sub(w.first).Minutes())
	return pace{minutes: minutes, past: l.past, minMessages: t.MinMessages, span: t.Span, pause: t.Pause, logChance: t.LogChance}
}

// Merge takes over what other has counted.
func (w *accountWatch) Merge(other Watch) {
	o := other.(*accountWatch)
	if o.first != 0 {
		w.seen(o.first)
		w.seen(o.last)
	}
	for i, n := range o.hours {
		w.hours[i] += n
	}
	w.records += o.records
	w.failures += o.failures
	w.refused += o.refused
	w.lost += o.lost
	for key, l := range o.logins.All() {
		w.join(w.logins.At(key), l)
	}
	if w.records >= w.pass.Thresholds.Account.MaxRecords {
		w.compact()
	}
}

// join adds all of other to l.
func (w *accountWatch) join(l, o *login) {
	if o.spelling != "" {
		l.call(o.spelling, o.named)
	}
	l.sent += o.sent
	l.days |= o.days
	l.records = append(l.records, o.records...)
	l.past += o.past
	l.habits.Merge(&o.habits)
	l.failures = append(l.failures, o.failures...)
	l.failed += o.failed
	l.refused = append(l.refused, o.refused...)
	switch {
	case l.story == nil && o.story != nil:
		l.story = o.story
	case o.story != nil:
		l.story.merge(o.story)
	}
	for ip, p := range o.places {
		mine := l.places[ip]
		if mine == nil {
			if l.places == nil {
				l.places = make(map[netip.Addr]*place)
			}
			l.places[ip] = p
			w.places++
			continue
		}
		mine.merge(p)
	}
}

func (p *place) merge(o *place) {
	p.complete(o.Client)
	p.first, p.last = min(p.first, o.first), max(p.last, o.last)
	p.Messages += o.Messages
	for _, in := range o.logins {
		p.enter(in)
	}
	for i, n := range o.loggedIn {
		p.loggedIn[i] += n
	}
	if o.line.Text != "" && (p.line.Text == "" || before(o.line, p.line)) {
		p.line = o.line
	}
	if o.pastMessages > 0 {
		p.firstN, p.lastN = min(cmp.Or(p.firstN, o.firstN), o.firstN), max(p.lastN, o.lastN)
		p.pastMessages += o.pastMessages
	}
}
