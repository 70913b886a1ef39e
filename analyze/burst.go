package analyze

import (
	"cmp"
	"strings"

	"mailforensics/mail"
)

var burst = Detector{
	Name:    "burst",
	Command: "bursts",
	Title:   "many messages in minutes",
	Doc:     burstDoc,
	New:     func(p *Pass) Watch { return newBurstWatch(p) },
}

// burstWatch remembers the latest messages one by one, in a ring. When the ring comes round, what may belong to a burst is
// kept, the rest is only counted. A log with fewer messages than the ring has places thus loses nothing, and in a longer one
// a message has some thirty thousand others' time to turn out to be part of a burst.
type burstWatch struct {
	pass     *Pass
	ring     ring[record]
	names    [dimensions]*Entities[string, series] // accounts, users, domains
	nets     *Entities[netKey, series]
	systems  *Entities[uint32, series]
	hotUntil [1 << 16]mail.Instant // by series.hotness: spares a look at series that were not hot so late
	refusals ring[refusal]
	hotNets  [1 << 12]bool // networks that ever were hot, by hash: whose refusals to keep
	keptRefs []refusal     // of networks that were hot at the time
	first    mail.Instant
	last     mail.Instant
	lost     int // messages of hot stretches that were dropped for want of room
	kept     int
	passed   int // messages that go by until room is looked for again
	stories  int
	values   int // that these hold, about
	made     int // series

	totals, days [dimensions]int // of all series, at the end
}

func newBurstWatch(p *Pass) *burstWatch {
	most := p.Thresholds.Burst.MaxEntities
	w := &burstWatch{
		pass:    p,
		nets:    NewEntities[netKey](most, (*series).weight, nil),
		systems: NewEntities[uint32](most, (*series).weight, nil),
	}
	for _, d := range []dimension{byAccount, byUser, byDomain} {
		w.names[d] = NewEntities(most, (*series).weight, strings.Clone)
	}
	return w
}

// Message counts a message.
func (w *burstWatch) Message(m *mail.Message) {
	if m.Notice || m.Time == 0 {
		return
	}
	r := w.place()
	r.remember(m)
	w.enter(r)
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
		s.countSource(sourceOf(r))
	}
	if w.count(s, r.time) {
		w.heat(s, r.time)
	}
}

// count books one message and reports whether the series may be in a burst.
func (w *burstWatch) count(s *series, t mail.Instant) bool {
	s.total++
	s.days |= 1 << (uint64(t) / uint64(24*60*60*1e9) % 64)
	slot := tenMinutes(t)
	crowd := &s.now
	if slot < s.now.slot-1 {
		crowd = &s.before
	}
	n := int(crowd.add(slot))
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
	w.hotUntil[s.hotness] = max(w.hotUntil[s.hotness], to)
	if last := len(s.hot) - 1; last >= 0 && from <= s.hot[last].to && to >= s.hot[last].from {
		s.hot[last].from, s.hot[last].to = min(from, s.hot[last].from), max(to, s.hot[last].to)
		return
	}
	if s.dim == byNetwork {
		w.hotNets[s.net().slot()] = true
	}
	s.hot = append(s.hot, stretch{from, to})
	if len(s.hot) > hotMost {
		s.hot = append(s.hot[:0], spanning(s.hot[:hotMost/2]), spanning(s.hot[hotMost/2:]))
	}
}

// spanning is from the first beginning of stretches, which come in any order, to their last end.
func spanning(all []stretch) stretch {
	whole := all[0]
	for _, h := range all[1:] {
		whole = stretch{min(whole.from, h.from), max(whole.to, h.to)}
	}
	return whole
}

// Event remembers refused attempts.
func (w *burstWatch) Event(ev *mail.Event) {
	if ev.Kind != mail.Reject || !IsRefusal(ev) || !ev.Client.IP.IsValid() || ev.Time == 0 {
		return
	}
	unknown := ev.DSN == "5.1.1" || ev.DSN == "" && unknownRecipient("", ev.Reply)
	w.refuse(refusal{ev.Time, ev.Client.IP.Unmap(), unknown})
}

// Merge takes over what other has counted.
func (w *burstWatch) Merge(other Watch) {
	o := other.(*burstWatch)
	o.all(func(s *series) bool {
		w.same(s).merge(s, w.pass.Thresholds.Burst.Pause)
		return true
	})
	for r := range o.ring.oldestFirst {
		w.readmit(r)
	}
	for r := range o.refusals.oldestFirst {
		w.refuse(*r)
	}
	w.keptRefs = append(w.keptRefs, o.keptRefs...)
	w.all(func(s *series) bool {
		for _, h := range s.hot {
			w.hotUntil[s.hotness] = max(w.hotUntil[s.hotness], h.to)
		}
		return true
	})
	for i, hot := range o.hotNets {
		w.hotNets[i] = w.hotNets[i] || hot
	}
	w.first = min(cmp.Or(w.first, o.first), cmp.Or(o.first, w.first))
	w.last = max(w.last, o.last)
	w.lost += o.lost
	w.kept += o.kept
	w.stories += o.stories
	w.values += o.values
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
