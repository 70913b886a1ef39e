package analyze

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
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
	// What every message changes comes first: it fits a line of the processor's cache.
	total int
	first mail.Instant
	last  mail.Instant
	days  uint64 // one bit a day, modulo 64
	now   crowd  // the latest ten minutes …

	dim     dimension
	hotness uint16 // its place in burstWatch.mayBeHot; others may share it
	asn     uint32
	name    string // account, user, domain
	net     netKey // network

	before  crowd     // … and those that come late
	origins []whence  // accounts, users: from where they send, the earliest first to be met
	hot     []stretch // when it may be in a burst
	kept    []*record // of hot stretches, when the ring had no more room for them
	stories []*batch  // of kept ones, when they were too many
}

// whence is from where an account or a local user sends: a client's address and name, or a script.
type whence struct {
	ip          netip.Addr
	name        string
	n           int
	first, last mail.Instant
}

// mostOrigins bounds the origins of one account. Who is always elsewhere is nowhere usual.
const mostOrigins = 64

// from counts a message by its origin.
func (s *series) from(o whence) {
	for i := range s.origins {
		known := &s.origins[i]
		if known.ip == o.ip && (o.ip.IsValid() || known.name == o.name) {
			known.n += o.n
			known.first, known.last = min(known.first, o.first), max(known.last, o.last)
			return
		}
	}
	if len(s.origins) < mostOrigins {
		o.name = strings.Clone(o.name)
		s.origins = append(s.origins, o)
	}
}

// whenceOf is the origin of a record.
func whenceOf(r *record) whence {
	if r.local != nil && r.account == "" {
		return whence{name: r.origin(), n: 1, first: r.time, last: r.time}
	}
	w := whence{ip: r.client.IP, n: 1, first: r.time, last: r.time}
	if named(r) {
		w.name = r.client.Name
	}
	return w
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
	ring     [][]record // in blocks of ringBlock
	next     int        // the place that is taken next, when the ring is full
	full     bool
	names    [dimensions]*Entities[string, series] // accounts, users, domains
	nets     *Entities[netKey, series]
	systems  *Entities[uint32, series]
	mayBeHot [1 << 16]bool // spares a look at series that never were
	refusals []refusal
	nextRef  int
	hotNets  [1 << 12]bool // networks that ever were hot, by hash: whose refusals to keep
	keptRefs map[netKey][]refusal
	first    mail.Instant
	last     mail.Instant
	lost     int // messages of hot stretches that were dropped for want of room
	kept     int
	made     int // series

	totals, days [dimensions]int // of all series, at the end
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

// place is room for a record: a new one, or that of the oldest when there are enough.
func (w *burstWatch) place() *record {
	if w.full {
		r := w.at(w.next)
		w.retire(r)
		w.next = (w.next + 1) % w.remembers()
		return r
	}
	if w.next%ringBlock == 0 {
		w.ring = append(w.ring, make([]record, 0, ringBlock))
	}
	last := len(w.ring) - 1
	w.ring[last] = append(w.ring[last], record{})
	w.next++
	if w.full = w.next >= max(1, w.pass.Thresholds.Burst.MaxRecords); w.full {
		w.next = 0
	}
	return &w.ring[last][len(w.ring[last])-1]
}

// ringBlock is how many places are made at a time: a short log needs a few, and none is ever moved.
const ringBlock = 512

func (w *burstWatch) at(place int) *record { return &w.ring[place/ringBlock][place%ringBlock] }

// remembers is how many messages are in the ring.
func (w *burstWatch) remembers() int {
	if len(w.ring) == 0 {
		return 0
	}
	return (len(w.ring)-1)*ringBlock + len(w.ring[len(w.ring)-1])
}

// oldestFirst yields the messages in the ring in the order in which they came.
func (w *burstWatch) oldestFirst(yield func(*record) bool) {
	n, first := w.remembers(), 0
	if w.full {
		first = w.next
	}
	for i := range n {
		if !yield(w.at((first + i) % n)) {
			return
		}
	}
}

// enter counts a record for all whose it is.
func (w *burstWatch) enter(r *record) {
	w.seen(r.time)
	if r.account != "" {
		w.join(r, w.named(byAccount, loginKey(r.account)))
	} else if user := r.user(); user != "" {
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
		s.dim, s.name, s.hotness = d, strings.Clone(name), w.hotness()
	}
	return s
}

func (w *burstWatch) network(net netKey) *series {
	s := w.nets.At(net)
	if s.hotness == 0 {
		s.dim, s.net, s.hotness = byNetwork, net, w.hotness()
	}
	return s
}

func (w *burstWatch) system(asn uint32) *series {
	s := w.systems.At(asn)
	if s.hotness == 0 {
		s.dim, s.asn, s.hotness = byASN, asn, w.hotness()
	}
	return s
}

// hotness is the next place in mayBeHot; 0 stands for none.
func (w *burstWatch) hotness() uint16 {
	w.made = w.made%(1<<16-1) + 1
	return uint16(w.made)
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

// current is the series that stands for s now: s may have been forgotten and met again.
func (w *burstWatch) current(s *series) *series {
	var found *series
	switch s.dim {
	case byNetwork:
		found = w.nets.Find(s.net)
	case byASN:
		found = w.systems.Find(s.asn)
	default:
		found = w.names[s.dim].Find(s.name)
	}
	if found == nil {
		return s
	}
	return found
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
	r.in[s.dim], r.hotness[s.dim] = s, s.hotness
	if s.dim == byAccount || s.dim == byUser {
		s.from(whenceOf(r))
	}
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
	w.mayBeHot[s.hotness] = true
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
	for d, s := range r.in {
		if s == nil || !w.mayBeHot[r.hotness[d]] || !s.isHot(r.time) {
			continue
		}
		if copied == nil {
			copied = r.clone()
		}
		w.keep(s, copied)
	}
}

func (w *burstWatch) keep(s *series, r *record) {
	if w.kept >= keptMost {
		w.settleAll()
	}
	if w.kept >= keptMost {
		w.lost++
		return
	}
	w.kept++
	s.kept = append(s.kept, r)
	if len(s.kept) >= seriesKept {
		w.settle(s, 0)
	}
}

func (r *record) clone() *record {
	c := *r
	c.more = slices.Clone(r.more)
	return &c
}

// settleAll makes room: what turned out to be no burst is forgotten, and large bursts become stories.
func (w *burstWatch) settleAll() {
	w.all(func(s *series) bool {
		if len(s.kept) > 0 {
			w.settle(s, seriesKept/8)
		}
		return true
	})
}

// settle looks at what was kept of a series: a burst of more than most messages becomes a story, a smaller one stays as it
// is, and so does what may still go on; the rest is forgotten.
func (w *burstWatch) settle(s *series, most int) {
	sortRecords(s.kept)
	open := w.last.Add(-2 * w.pass.Thresholds.Burst.Pause)
	var stay []*record
	done := 0
	for _, found := range windows(instants(s.kept), w.pace(max(0, s.total-len(s.kept)-s.told()))) {
		records := s.kept[found.from:found.to]
		done = found.to
		switch {
		case len(records) > most && records[0].time < open || len(records) > seriesKept/2:
			s.addStory(storyOf(records), w.pass.Thresholds.Burst.Pause)
		case !plainlyHonest(records):
			stay = append(stay, records...)
		}
	}
	for _, r := range s.kept[done:] {
		if r.time >= open {
			stay = append(stay, r)
		}
	}
	w.kept -= len(s.kept) - len(stay)
	s.kept = stay
	s.hot = slices.DeleteFunc(s.hot, func(h stretch) bool { return h.to < open && w.ringFrom() > h.to })
}

// ringFrom is the time of the oldest message that is still in the ring: of the place that is taken next.
func (w *burstWatch) ringFrom() mail.Instant { return w.at(w.next % max(1, w.remembers())).time }

func storyOf(records []*record) *batch {
	story := newBatch()
	for _, r := range records {
		story.add(r)
	}
	return story
}

// Event remembers refused attempts.
func (w *burstWatch) Event(ev *mail.Event) {
	if ev.Kind != mail.Reject || !IsRefusal(ev) || !ev.Client.IP.IsValid() || ev.Time == 0 {
		return
	}
	unknown := ev.DSN == "5.1.1" || ev.DSN == "" && unknownRecipient("", ev.Reply)
	w.refuse(refusal{ev.Time, ev.Client.IP.Unmap(), unknown})
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
	for r := range o.oldestFirst {
		w.readmit(r)
	}
	for i := range o.refusals {
		w.refuse(o.refusals[(o.nextRef+i)%len(o.refusals)])
	}
	for net, refs := range o.keptRefs {
		w.keptRefs[net] = append(w.keptRefs[net], refs...)
	}
	w.all(func(s *series) bool {
		w.mayBeHot[s.hotness] = w.mayBeHot[s.hotness] || len(s.hot) > 0
		return true
	})
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
	for _, origin := range o.origins {
		s.from(origin)
	}
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
			r.hotness[d] = r.in[d].hotness
		}
	}
}

// loginKey is an account as it is compared: mail programs write its case as they like.
func loginKey(account string) string { return strings.ToLower(account) }

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
