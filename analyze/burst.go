package analyze

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/mail"
)

var burst = Detector{
	Name:    "burst",
	Command: "bursts",
	Title:   "many messages in minutes",
	Doc:     burstDoc,
	New:     func(p *Pass) Watch { return newBurstWatch(p) },
}

// dimension is by what messages are grouped.
type dimension uint8

const (
	byAccount dimension = iota
	byUser              // local user: the number, else the name
	byNetwork           // /24 or /64; its addresses are told apart at the end
	byASN
	byDomain // of the envelope sender
	dimensions
)

// series is what is remembered of an account, a local user, a network, a system or a domain.
type series struct {
	dim   dimension
	name  string // account, user, domain
	net   netKey // network
	asn   uint32
	total int
	first mail.Instant
	last  mail.Instant
	days  uint64 // one bit a day, modulo 64

	now, before crowd // the latest ten minutes, and those that come late
	hot         []stretch
	kept        []*record // of hot stretches, when the ring had no more room for them
	stories     []*batch  // of kept ones, when they were too many
}

// netKey is a /24 or /64 as a number.
type netKey struct {
	bits uint64 // the first 24 or 64
	wide bool   // a /64
}

// crowd counts what falls into ten minutes and the ten before them: a cheap sign that a series may be in a burst.
type crowd struct {
	slot      int64
	now, last int
}

func (c *crowd) add(slot int64) int {
	switch slot {
	case c.slot:
		c.now++
	case c.slot + 1:
		c.slot, c.last, c.now = slot, c.now, 1
	case c.slot - 1:
		c.last++
	default:
		c.slot, c.last, c.now = slot, 0, 1
	}
	return c.now + c.last
}

// stretch is a time in which a series may be in a burst.
type stretch struct{ from, to mail.Instant }

// burstWatch remembers the latest messages one by one, in a ring. When the ring comes round, what may belong to a burst is
// kept, the rest is only counted. A log with fewer messages than the ring has places thus loses nothing, and in a longer one
// a message has some fifty thousand others' time to turn out to be part of a burst.
type burstWatch struct {
	pass     *Pass
	ring     []record
	next     int
	names    [dimensions]*Entities[string, series] // accounts, users, domains
	nets     *Entities[netKey, series]
	systems  *Entities[uint32, series]
	refusals []refusal
	nextRef  int
	hotNets  [1 << 12]bool // networks that ever were hot, by hash: whose refusals to keep
	keptRefs map[netKey][]refusal
	first    mail.Instant
	last     mail.Instant
	lost     int // messages of hot stretches that were dropped for want of room
	kept     int
}

// refusal is what is remembered of a refused attempt.
type refusal struct {
	time    mail.Instant
	ip      netip.Addr
	unknown bool
}

const (
	hotFactor   = 3       // a series is watched closely when it is so many times above its mean …
	seriesKept  = 4096    // … and up to so many messages one by one
	keptMost    = 100_000 // over all series
	hotMost     = 32      // stretches of one series
	ringRefused = 100_000 // refused attempts remembered
)

func newBurstWatch(p *Pass) *burstWatch {
	most := p.Thresholds.Burst.MaxEntities
	w := &burstWatch{
		pass:     p,
		nets:     NewEntities[netKey](most, (*series).weight, nil),
		systems:  NewEntities[uint32](most, (*series).weight, nil),
		keptRefs: make(map[netKey][]refusal),
	}
	for _, d := range []dimension{byAccount, byUser, byDomain} {
		w.names[d] = NewEntities(most, (*series).weight, strings.Clone)
	}
	return w
}

// weight is how much a series matters: one that was hot must not be forgotten, and of others the busier ones know more of
// what is usual.
func (s *series) weight() int {
	if len(s.hot) > 0 {
		return 1 << 30
	}
	return s.total
}

// Message counts a message.
func (w *burstWatch) Message(m *mail.Message) {
	if m.Notice || m.Has(mail.Doubtful) || m.Time == 0 {
		return
	}
	r := w.place()
	r.remember(m)
	w.enter(r)
}

// place is room for a record: at the end of the ring, or that of the oldest.
func (w *burstWatch) place() *record {
	if len(w.ring) < max(1, w.pass.Thresholds.Burst.MaxRecords) {
		w.ring = append(w.ring, record{})
		return &w.ring[len(w.ring)-1]
	}
	r := &w.ring[w.next]
	w.next = (w.next + 1) % len(w.ring)
	w.retire(r)
	return r
}

// enter counts a record for all whose it is.
func (w *burstWatch) enter(r *record) {
	w.seen(r.time)
	if r.account != "" {
		w.join(r, w.named(byAccount, loginKey(r.account)))
	} else if user := localUser(r); user != "" {
		w.join(r, w.named(byUser, user))
	}
	if r.client.IP.IsValid() {
		w.join(r, w.network(netOf(r.client.IP)))
	}
	if r.client.ASN != 0 {
		w.join(r, w.system(r.client.ASN))
	}
	if domain := mail.Domain(r.sender); domain != "" {
		w.join(r, w.named(byDomain, domain))
	}
}

func (w *burstWatch) named(d dimension, name string) *series {
	s := w.names[d].At(name)
	if s.name == "" {
		s.dim, s.name = d, strings.Clone(name)
	}
	return s
}

func (w *burstWatch) network(net netKey) *series {
	s := w.nets.At(net)
	s.dim, s.net = byNetwork, net
	return s
}

func (w *burstWatch) system(asn uint32) *series {
	s := w.systems.At(asn)
	s.dim, s.asn = byASN, asn
	return s
}

// same is the series of w that stands for the same as s, one of another watch.
func (w *burstWatch) same(s *series) *series {
	switch s.dim {
	case byNetwork:
		return w.network(s.net)
	case byASN:
		return w.system(s.asn)
	}
	return w.named(s.dim, s.name)
}

// all yields every series, in no particular order.
func (w *burstWatch) all(yield func(*series) bool) {
	for _, s := range w.nets.All() {
		if !yield(s) {
			return
		}
	}
	for _, s := range w.systems.All() {
		if !yield(s) {
			return
		}
	}
	for _, d := range []dimension{byAccount, byUser, byDomain} {
		for _, s := range w.names[d].All() {
			if !yield(s) {
				return
			}
		}
	}
}

func (w *burstWatch) seen(t mail.Instant) {
	if w.first == 0 || t < w.first {
		w.first = t
	}
	w.last = max(w.last, t)
}

// join counts a record for one series.
func (w *burstWatch) join(r *record, s *series) {
	r.in[s.dim] = s
	if w.count(s, r.time) {
		w.heat(s, r.time)
	}
}

// count books one message and reports whether the series may be in a burst.
func (w *burstWatch) count(s *series, t mail.Instant) bool {
	s.total++
	if s.first == 0 || t < s.first {
		s.first = t
	}
	s.last = max(s.last, t)
	s.days |= 1 << (uint64(t) / uint64(24*60*60*1e9) % 64)
	slot := t.Minute() / 10
	crowd := &s.now
	if slot < s.now.slot-1 {
		crowd = &s.before
	}
	n := crowd.add(slot)
	if n < w.pass.Thresholds.Burst.MinMessages {
		return false
	}
	spans := max(shortLog.Minutes(), w.last.Sub(w.first).Minutes()) / 20
	return float64(n) >= hotFactor*float64(s.total-n)/spans
}

// heat marks the time around t as one in which the series may be in a burst.
func (w *burstWatch) heat(s *series, t mail.Instant) {
	pause := w.pass.Thresholds.Burst.Pause
	from, to := t.Add(-pause), t.Add(pause)
	if last := len(s.hot) - 1; last >= 0 && from <= s.hot[last].to && to >= s.hot[last].from {
		s.hot[last].from, s.hot[last].to = min(from, s.hot[last].from), max(to, s.hot[last].to)
		return
	}
	if s.dim == byNetwork {
		w.hotNets[s.net.slot()] = true
	}
	s.hot = append(s.hot, stretch{from, to})
	if len(s.hot) > hotMost {
		s.hot = append(s.hot[:0], stretch{s.hot[0].from, s.hot[len(s.hot)/2].to}, stretch{s.hot[len(s.hot)/2].from, to})
	}
}

func (s *series) isHot(t mail.Instant) bool {
	for i := len(s.hot) - 1; i >= 0; i-- {
		if t >= s.hot[i].from && t <= s.hot[i].to {
			return true
		}
	}
	return false
}

// retire keeps what may belong to a burst before its place is taken.
func (w *burstWatch) retire(r *record) {
	var copied *record
	for _, s := range r.in {
		if s == nil || len(s.hot) == 0 || !s.isHot(r.time) {
			continue
		}
		if copied == nil {
			if w.kept >= keptMost {
				w.lost++
				return
			}
			copied = r.clone()
			w.kept++
		}
		s.kept = append(s.kept, copied)
		if len(s.kept) >= seriesKept {
			w.settle(s)
		}
	}
}

func (r *record) clone() *record {
	c := *r
	c.more = slices.Clone(r.more)
	return &c
}

// settle turns what was kept of a series into stories, where it is a burst, and forgets the rest.
func (w *burstWatch) settle(s *series) {
	sortRecords(s.kept)
	for _, found := range windows(instants(s.kept), w.pace(max(0, s.total-len(s.kept)-s.told()))) {
		story := newBatch()
		for _, r := range s.kept[found.from:found.to] {
			story.add(r)
		}
		s.addStory(story, w.pass.Thresholds.Burst.Pause)
	}
	w.kept -= len(s.kept)
	s.kept = nil
}

// Event remembers refused attempts.
func (w *burstWatch) Event(ev *mail.Event) {
	if ev.Kind != mail.Reject || !IsRefusal(ev) || !ev.Client.IP.IsValid() || ev.Time == 0 {
		return
	}
	w.refuse(refusal{ev.Time, ev.Client.IP.Unmap(), unknownRecipient(ev.DSN, ev.Reply)})
}

func (w *burstWatch) refuse(r refusal) {
	if len(w.refusals) < ringRefused {
		w.refusals = append(w.refusals, r)
		return
	}
	old := &w.refusals[w.nextRef]
	w.nextRef = (w.nextRef + 1) % len(w.refusals)
	w.retireRefusal(*old)
	*old = r
}

// retireRefusal keeps a refused attempt of a network that was hot at the time.
func (w *burstWatch) retireRefusal(r refusal) {
	net := netOf(r.ip)
	if !w.hotNets[net.slot()] {
		return
	}
	s := w.nets.Find(net)
	if s == nil || !s.isHot(r.time) || len(w.keptRefs[net]) >= ringRefused/4 {
		return
	}
	w.keptRefs[net] = append(w.keptRefs[net], r)
}

// Merge takes over what other has counted.
func (w *burstWatch) Merge(other Watch) {
	o := other.(*burstWatch)
	o.all(func(s *series) bool {
		w.same(s).merge(s, w.pass.Thresholds.Burst.Pause)
		return true
	})
	for i := range o.ring {
		w.readmit(&o.ring[(o.next+i)%len(o.ring)])
	}
	for i := range o.refusals {
		w.refuse(o.refusals[(o.nextRef+i)%len(o.refusals)])
	}
	for net, refs := range o.keptRefs {
		w.keptRefs[net] = append(w.keptRefs[net], refs...)
	}
	for i, hot := range o.hotNets {
		w.hotNets[i] = w.hotNets[i] || hot
	}
	w.first = min(cmp.Or(w.first, o.first), cmp.Or(o.first, w.first))
	w.last = max(w.last, o.last)
	w.lost += o.lost
	w.kept += o.kept
}

// merge takes over what was counted and kept; what stands in the ring comes by readmit.
func (s *series) merge(o *series, pause time.Duration) {
	s.total += o.total
	s.first, s.last = min(cmp.Or(s.first, o.first), cmp.Or(o.first, s.first)), max(s.last, o.last)
	s.days |= o.days
	s.hot = append(s.hot, o.hot...)
	s.kept = append(s.kept, o.kept...)
	for _, story := range o.stories {
		s.addStory(story, pause)
	}
}

// readmit takes a record of another watch into the ring: its series have counted it.
func (w *burstWatch) readmit(old *record) {
	r := w.place()
	*r = *old
	for d, s := range r.in {
		if s != nil {
			r.in[d] = w.same(s)
		}
	}
}

// loginKey is an account as it is compared: mail programs write its case as they like.
func loginKey(account string) string { return strings.ToLower(account) }

// localUser is whose local submission it is: the number, where it is logged, else the name.
func localUser(r *record) string {
	switch {
	case r.client.IP.IsValid():
		return ""
	case r.Has(mail.HasUID):
		return strconv.Itoa(r.uid)
	}
	return r.user
}

// netOf is the network of an address.
func netOf(ip netip.Addr) netKey {
	ip = ip.Unmap()
	if ip.Is4() {
		four := ip.As4()
		return netKey{uint64(four[0])<<16 | uint64(four[1])<<8 | uint64(four[2]), false}
	}
	sixteen := ip.As16()
	return netKey{binary.BigEndian.Uint64(sixteen[:8]), true}
}

// slot is a hash of it.
func (n netKey) slot() int { return int(n.bits * 0x9e3779b97f4a7c15 >> 52) }
