package analyze

import (
	"net/netip"
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

// accountHistory is what is remembered of an account.
type accountHistory struct {
	spelling     string       // as it was written first
	spelledAt    mail.Instant // … and when
	sent         int          // messages
	days         uint64       // on which it sent, one bit a day, modulo 64
	records      []*record    // messages that are remembered one by one
	pastMessages int          // messages that are only counted
	pastSenders  Tally        // … and their senders
	story        *batch       // suspicious messages, counted, when they were too many to remember; nil: none
	places       map[netip.Addr]*place
	latest       *place // of places: the next use is mostly from the same
	failures     []failure
	failuresLost int // that were not kept, for want of room
	refused      []refusal
	refusedLost  int // that were not kept, for want of room
}

// failure is a line about failed logins.
type failure struct {
	time  mail.Instant
	ip    netip.Addr
	tries int32
	by    witness
}

// What is remembered one by one at most.
const (
	placeLogins    = 32             // successful logins of one address of an account
	failuresOfOne  = 8192           // lines about failed logins of one account, from two witnesses …
	failuresMost   = 40_000         // … and of all
	refusedOfOne   = 4096           // refused attempts of one account …
	refusedMost    = 50_000         // … and of all
	storiesMost    = 64             // accounts with a story
	placesOfOne    = dossierClients // addresses of one account
	placesForgiven = 24 * time.Hour // how long an address must be quiet to be forgotten
)

// accountWatch remembers the latest messages with a login one by one, and every address from which an account was used.
type accountWatch struct {
	pass     *Pass
	accounts *Entities[string, accountHistory]
	spare    recordPool
	records  int // of all accounts …
	stories  int // …
	places   int // …
	failures int // …
	refused  int // …
	lost     int // messages and addresses that were dropped for want of room
	roomMade mail.Instant
	hours    [24]int      // messages by hour of UTC
	first    mail.Instant // message or login …
	last     mail.Instant // …
}

func newAccountWatch(p *Pass) *accountWatch {
	return &accountWatch{pass: p, accounts: NewEntities(p.Thresholds.Account.MaxAccounts, (*accountHistory).weight, strings.Clone)}
}

// weight is how much an account matters to Entities. Names that were only guessed have none, and are forgotten first.
func (h *accountHistory) weight() int { return h.sent + len(h.places) }

func (w *accountWatch) Message(m *mail.Message) {
	if m.Account == "" || m.Notice || m.Time == 0 {
		return
	}
	w.seen(m.Time)
	w.hours[hourOf(m.Time)]++
	h := w.accounts.At(loginKey(m.Account))
	h.noteSpelling(m.Account, m.Time)
	h.sent++
	h.days |= 1 << (uint64(m.Time) / uint64(24*time.Hour) % 64)
	client := m.Client
	if !m.Has(mail.Verified) {
		client.Name = ""
	}
	if p := w.place(h, client, m.Time); p != nil {
		p.Messages++
	}
	r := w.spare.take()
	r.remember(m)
	h.records = append(h.records, r)
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

// noteSpelling keeps the earliest spelling of an account.
func (h *accountHistory) noteSpelling(name string, t mail.Instant) {
	if h.spelling == "" || t < h.spelledAt || t == h.spelledAt && name < h.spelling {
		if h.spelling != name {
			h.spelling = strings.Clone(name)
		}
		h.spelledAt = t
	}
}

func (w *accountWatch) Event(ev *mail.Event) {
	switch ev.Kind {
	case mail.Auth:
		w.loginSucceeded(ev)
	case mail.AuthFailed:
		w.loginFailed(ev)
	case mail.Reject:
		if ev.Account != "" && IsRefusal(ev) {
			w.attemptRefused(ev)
		}
	}
}

func (w *accountWatch) loginSucceeded(ev *mail.Event) {
	if ev.Account == "" || ev.Time == 0 {
		return
	}
	w.seen(ev.Time)
	h := w.accounts.At(loginKey(ev.Account))
	h.noteSpelling(ev.Account, ev.Time)
	p := w.place(h, ev.Client, ev.Time)
	if p == nil {
		return
	}
	source := byServer
	if ev.MTA == mail.Webmail {
		source = byWebmail
	}
	p.loggedIn[source]++
	p.enter(successfulLogin{ev.Time, source})
	if e := EventEvidence(ev); p.line.Text == "" || before(e, p.line) {
		p.line = owned(e)
	}
}

// loginFailed remembers a failed login of a named account.
func (w *accountWatch) loginFailed(ev *mail.Event) {
	if ev.Account == "" || len(ev.Account) > longestName || ev.Time == 0 || !isGuess(ev) {
		return
	}
	h := w.accounts.At(loginKey(ev.Account))
	if w.failures >= failuresMost {
		w.makeRoom()
	}
	if len(h.failures) >= failuresOfOne || w.failures >= failuresMost {
		h.failuresLost++
		return
	}
	w.failures++
	h.failures = append(h.failures, failure{ev.Time, ev.Client.IP.Unmap(), int32(attemptsOf(ev)), witnessOf(ev)})
}

func (w *accountWatch) attemptRefused(ev *mail.Event) {
	h := w.accounts.At(loginKey(ev.Account))
	h.noteSpelling(ev.Account, ev.Time)
	if w.refused >= refusedMost {
		w.makeRoom()
	}
	if len(h.refused) < refusedOfOne && w.refused < refusedMost {
		w.refused++
		h.refused = append(h.refused, refusal{ev.Time, ev.Client.IP.Unmap(), unknownRecipient(ev.DSN, ev.Reply)})
		return
	}
	h.refusedLost++
}

// wideNetwork is the /16 of an IPv4 address, the /32 of an IPv6 address: mostly one provider's.
func wideNetwork(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 16
	if ip.Is6() {
		bits = 32
	}
	p, _ := ip.Prefix(bits)
	return p
}

// pace is what the number of an account's messages is measured against.
func (w *accountWatch) pace(h *accountHistory) pace {
	t := &w.pass.Thresholds.Burst
	minutes := max(1, w.last.Sub(w.first).Minutes())
	return pace{minutes: minutes, past: h.pastMessages, minMessages: t.MinMessages, span: t.Span, pause: t.Pause, logChance: t.LogChance}
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
	for key, h := range o.accounts.All() {
		w.mergeAccount(w.accounts.At(key), h)
	}
	if w.records >= w.pass.Thresholds.Account.MaxRecords {
		w.compact()
	}
}

// mergeAccount adds all of o to h.
func (w *accountWatch) mergeAccount(h, o *accountHistory) {
	if o.spelling != "" {
		h.noteSpelling(o.spelling, o.spelledAt)
	}
	h.sent += o.sent
	h.days |= o.days
	h.records = append(h.records, o.records...)
	h.pastMessages += o.pastMessages
	h.pastSenders.Merge(&o.pastSenders)
	h.failures = append(h.failures, o.failures...)
	h.failuresLost += o.failuresLost
	h.refused = append(h.refused, o.refused...)
	h.refusedLost += o.refusedLost
	switch {
	case h.story == nil && o.story != nil:
		h.story = o.story
	case o.story != nil:
		h.story.merge(o.story)
	}
	for ip, p := range o.places {
		mine := h.places[ip]
		if mine == nil {
			if h.places == nil {
				h.places = make(map[netip.Addr]*place)
			}
			h.places[ip] = p
			w.places++
			continue
		}
		mine.merge(p)
	}
}
