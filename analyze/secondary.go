package analyze

import (
	"slices"
	"strings"

	"mailforensics/mail"
)

var secondaryMX = Detector{
	Name:    "secondary-mx",
	Command: "secondary",
	Title:   "clients that speak only to the secondary MX",
	Doc:     secondaryDoc,
	New:     func(p *Pass) Watch { return newSecondaryWatch(p) },
}

type secondaryWatch struct {
	pass     *Pass
	visitors *Entities[visitor, visits]
	alive    map[string]minuteSet // in which a host took or refused something
	handed   map[string]minuteSet // in which the next host answered for what strangers had handed in to a host just before
	host     string               // of the latest line, and its set: lines come in runs of one host
	lived    minuteSet
}

func newSecondaryWatch(p *Pass) *secondaryWatch {
	own := func(v visitor) visitor { return visitor{v.client, strings.Clone(v.host)} }
	return &secondaryWatch{
		pass:     p,
		visitors: NewEntities(p.Thresholds.Secondary.MaxVisitors, func(v *visits) int { return v.messages + v.rejected }, own),
		alive:    make(map[string]minuteSet),
		handed:   make(map[string]minuteSet),
	}
}

func (w *secondaryWatch) lives(host string, t mail.Instant) {
	if host != w.host || w.lived == nil {
		if w.alive[host] == nil {
			w.alive[strings.Clone(host)] = make(minuteSet)
		}
		w.host, w.lived = strings.Clone(host), w.alive[host]
	}
	w.lived.add(t)
}

// minuteSet is a set of minutes, a bit each: 64 of them to a word.
type minuteSet map[int64]uint64

func (s minuteSet) add(t mail.Instant) {
	word, bit := t.Minute()>>6, uint64(1)<<(t.Minute()&63)
	if s[word]&bit == 0 {
		s[word] |= bit
	}
}

// any reports whether there is a minute from a to b.
func (s minuteSet) any(from, to mail.Instant) bool {
	for m := from.Minute(); m <= to.Minute(); m++ {
		if s[m>>6]&(1<<(m&63)) != 0 {
			return true
		}
	}
	return false
}

func (w *secondaryWatch) Message(m *mail.Message) {
	if m.Notice || m.Host == "" { // a log that names no host can be of one host alone
		return
	}
	w.lives(m.Host, m.Time)
	if !m.Client.IP.IsValid() || m.Account != "" || m.Has(mail.HasUID) {
		return
	}
	visits := w.visitors.At(visitor{m.Client.IP.Unmap(), m.Host})
	visits.messages++
	if len(m.Hosts) == 1 && endsHere(m) {
		return // no secondary delivers to mailboxes: more than the number is never asked for
	}
	v := visits.through()
	if !w.handOn(m) && w.waits(m) {
		v.waited++
	}
	v.took.add(Bucket{Time: m.Time, Messages: 1})
	v.prove(MessageEvidence(m))
	v.meet(m.Client)
	v.senders.add(mail.Fold(m.Sender), 1)
	v.companies.add(organisation(mail.Domain(m.Sender)))
	v.subjects.add(m.Subject)
	if m.Subject != "" {
		v.titled++
	}
	if c := &m.Client; c.Name != "" && c.Name != "unknown" && ownName(c.Name, m.Sender) && !genericName(c.Name, c.IP) && !rentedName(c.Name) {
		v.own++
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		v.counts.recipient(r.Disposition)
		v.domains.add(mail.Domain(r.Envelope()), 1)
	}
}

// handOn notes that the host behind this one lived when m came, and reports whether it did: it took a recipient of m, or refused one, soon
// after. At night what comes through the secondary may be all that a primary's log has.
func (w *secondaryWatch) handOn(m *mail.Message) bool {
	within := mail.Instant(w.pass.Thresholds.Secondary.UpWithin)
	for i := range m.Recipients {
		r := &m.Recipients[i]
		answered := r.Disposition == mail.Delivered && (!r.Local || len(m.Hosts) > 1) || r.Disposition == mail.Bounced && r.RelayIP.IsValid()
		if !answered || r.Time == 0 || r.Time-m.Time > within {
			continue
		}
		if w.handed[m.Host] == nil {
			w.handed[strings.Clone(m.Host)] = make(minuteSet)
		}
		w.handed[m.Host].add(m.Time)
		return true
	}
	return false
}

// waits reports whether m, which no host behind this one answered for soon, had to wait for one.
func (w *secondaryWatch) waits(m *mail.Message) bool {
	within := mail.Instant(w.pass.Thresholds.Secondary.UpWithin)
	return slices.ContainsFunc(m.Recipients, func(r mail.Recipient) bool {
		return r.Disposition == mail.Deferred || r.Time-m.Time > within
	})
}

func (w *secondaryWatch) Event(ev *mail.Event) {
	if !IsRefusal(ev) || !ev.Client.IP.IsValid() || ev.Host == "" {
		return
	}
	w.lives(ev.Host, ev.Time)
	v := w.visitors.At(visitor{ev.Client.IP.Unmap(), ev.Host})
	v.rejected++
	v.refused.add(Bucket{Time: ev.Time, Rejected: 1})
}

// endsHere reports whether a recipient's mailbox is on the host that took the message.
func endsHere(m *mail.Message) bool {
	for i := range m.Recipients {
		if m.Recipients[i].Local {
			return true
		}
	}
	return false
}

func (w *secondaryWatch) Merge(other Watch) {
	o := other.(*secondaryWatch)
	for k, x := range o.visitors.All() {
		w.visitors.At(k).join(x)
	}
	mergeMinutes(w.alive, o.alive)
	mergeMinutes(w.handed, o.handed)
}

func mergeMinutes(into, from map[string]minuteSet) {
	for host, minutes := range from {
		if into[host] == nil {
			into[host] = make(minuteSet)
		}
		for word, bits := range minutes {
			into[host][word] |= bits
		}
	}
}
