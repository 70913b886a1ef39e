package analyze

import (
	"cmp"
	"slices"
	"strings"

	"mailforensics/mail"
)

var phish = Detector{
	Name:    phishName,
	Command: "phish",
	Title:   "runs of mail to many of our users, and who answered",
	Doc:     phishDoc,
	New:     func(p *Pass) Watch { return newPhishWatch(p) },
}

// contact is an address to which our users wrote.
type contact struct {
	n       int
	first   mail.Instant
	writers []writer // the first ones, each once
}

// writer is somebody of ours and the first message that he wrote to an address.
type writer struct {
	mail.Origin
	time    mail.Instant
	account string // folded
	sender  string // folded
	subject string
	line    string
}

// writersKept is how many writers of one contact are known by name: to whom more write is no secret.
const writersKept = 12

const (
	warmFrom  = 6       // messages of one origin within twenty minutes that may be a run
	warmSlots = 1 << 12 // origins are told apart by hash: who shares a slot with a run is looked at, too
	keptRuns  = 20_000  // messages of possible runs
)

// By what messages of a run may belong together.
const (
	bySender = iota
	byNet
	links
)

// phishWatch remembers the latest messages of strangers, so that a run can be told from its first message on, and to whom our
// users write.
type phishWatch struct {
	pass     *Pass
	ring     []record
	next     int
	full     bool
	crowds   [links][warmSlots]crowd
	warm     [links]map[uint16][]stretch
	isWarm   [links][warmSlots]bool
	kept     []*record
	heard    countMin // senders and networks of strangers
	written  countMin // addresses to which our users wrote
	contacts *Entities[string, contact]
	lost     int
}

func newPhishWatch(p *Pass) *phishWatch {
	w := &phishWatch{pass: p, contacts: NewEntities(p.Thresholds.Phish.MaxContacts, (*contact).weight, strings.Clone)}
	for i := range w.warm {
		w.warm[i] = make(map[uint16][]stretch)
	}
	return w
}

// weight is how much a contact matters: one to whom several wrote.
func (c *contact) weight() int { return len(c.writers) }

func (w *phishWatch) Event(*mail.Event) {}

func (w *phishWatch) Message(m *mail.Message) {
	if m.Notice || m.Has(mail.Doubtful) || m.Time == 0 {
		return
	}
	ip := m.Client.IP
	inside := m.Account != "" || !ip.IsValid() || ip.IsLoopback() || ip.IsPrivate()
	if inside {
		w.outgoing(m)
		return
	}
	r := w.place()
	r.remember(m)
	w.enter(r)
}

// ofAddress keeps the hashes of addresses apart from those of other texts.
const ofAddress = '@'

func hashOfNet(n netKey) uint64 {
	if n.wide {
		return spread(n.bits ^ 1<<63)
	}
	return spread(n.bits)
}

// enter counts a message of a stranger by its origins.
func (w *phishWatch) enter(r *record) {
	bySenderHash, byNetHash := hashText(ofAddress, r.sender), hashOfNet(netOf(r.client.IP))
	w.heard.add(bySenderHash)
	w.heard.add(byNetHash)
	w.count(bySender, bySenderHash, r.time)
	w.count(byNet, byNetHash, r.time)
}

func (w *phishWatch) count(by int, hash uint64, t mail.Instant) {
	slot := uint16(hash % warmSlots)
	if w.crowds[by][slot].add(t.Minute()/10) < warmFrom {
		return
	}
	w.heat(by, slot, stretch{t.Add(-newcomerPause), t.Add(newcomerPause)})
}

// heat marks a time in which an origin may be in a run.
func (w *phishWatch) heat(by int, slot uint16, s stretch) {
	w.isWarm[by][slot] = true
	all := w.warm[by][slot]
	for i := len(all) - 1; i >= 0; i-- {
		if s.from <= all[i].to && s.to >= all[i].from {
			all[i] = stretch{min(s.from, all[i].from), max(s.to, all[i].to)}
			return
		}
	}
	if len(all) >= hotMost {
		all = all[1:]
	}
	w.warm[by][slot] = append(all, s)
}

func (w *phishWatch) mayBeRun(r *record) bool {
	for by, hash := range [links]uint64{hashText(ofAddress, r.sender), hashOfNet(netOf(r.client.IP))} {
		slot := uint16(hash % warmSlots)
		if w.isWarm[by][slot] && slices.ContainsFunc(w.warm[by][slot], func(s stretch) bool { return r.time >= s.from && r.time <= s.to }) {
			return true
		}
	}
	return false
}

// place is room for a record: that of the oldest, when there are enough.
func (w *phishWatch) place() *record {
	if len(w.ring) < max(1, w.pass.Thresholds.Phish.MaxRecords) {
		w.ring = append(w.ring, record{})
		return &w.ring[len(w.ring)-1]
	}
	r := &w.ring[w.next]
	w.next = (w.next + 1) % len(w.ring)
	if w.mayBeRun(r) {
		w.keep(r.clone())
	}
	return r
}

func (w *phishWatch) keep(r *record) {
	if len(w.kept) >= keptRuns {
		w.prune()
	}
	if len(w.kept) >= keptRuns {
		w.lost++
		return
	}
	w.kept = append(w.kept, r)
}

// prune makes room: what a bulk sender's own servers send is let go of, and where that is not much, the oldest quarter. It
// must free a good part each time, because it looks at everything that is kept.
func (w *phishWatch) prune() {
	nets := make(map[netKey][]*record)
	for _, r := range w.kept {
		nets[netOf(r.client.IP)] = append(nets[netOf(r.client.IP)], r)
	}
	w.kept = slices.DeleteFunc(w.kept, func(r *record) bool {
		of := nets[netOf(r.client.IP)]
		gone := len(of) > keptRuns/4 || isVERP(r.sender, r.first.address) || plainlyHonest([]*record{r})
		if gone {
			w.lost++
		}
		return gone
	})
	if spare := len(w.kept) - keptRuns*3/4; spare > 0 {
		slices.SortStableFunc(w.kept, func(a, b *record) int { return cmp.Compare(a.time, b.time) })
		w.kept = slices.Delete(w.kept, 0, spare)
		w.lost += spare
	}
}

// outgoing notes to whom our users write.
func (w *phishWatch) outgoing(m *mail.Message) {
	if m.Sender == mail.NullSender || len(m.Recipients) > manyAtOnce {
		return
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Local {
			continue
		}
		w.note(m, r.Envelope())
	}
}

// manyAtOnce is how many recipients no answer has.
const manyAtOnce = 5

func (w *phishWatch) note(m *mail.Message, address string) {
	w.written.add(hashText(ofAddress, address))
	c := w.contacts.At(strings.ToLower(address))
	c.n++
	if c.first == 0 || m.Time < c.first {
		c.first = m.Time
	}
	c.add(writer{Origin: m.Origin, time: m.Time, account: m.Account, sender: m.Sender, subject: m.Subject, line: m.Line})
}

// add keeps the first message of each writer, and the earliest writers.
func (c *contact) add(in writer) {
	for i := range c.writers {
		old := &c.writers[i]
		if strings.EqualFold(old.account, in.account) && strings.EqualFold(old.sender, in.sender) {
			if in.time < old.time {
				*old = in
			}
			return
		}
	}
	c.writers = append(c.writers, in)
	if len(c.writers) > writersKept {
		slices.SortFunc(c.writers, compareWriters)
		c.writers = c.writers[:writersKept]
	}
}

// Merge takes over what other has counted.
func (w *phishWatch) Merge(other Watch) {
	o := other.(*phishWatch)
	for by := range o.warm {
		for slot, all := range o.warm[by] {
			for _, s := range all {
				w.heat(by, slot, s)
			}
		}
	}
	w.kept = append(w.kept, o.kept...)
	for i := range o.ring {
		old := &o.ring[(o.next+i)%len(o.ring)]
		r := w.place()
		*r = *old
		w.count(bySender, hashText(ofAddress, r.sender), r.time)
		w.count(byNet, hashOfNet(netOf(r.client.IP)), r.time)
	}
	w.heard.merge(&o.heard)
	w.written.merge(&o.written)
	for key, c := range o.contacts.All() {
		mine := w.contacts.At(key)
		mine.n += c.n
		if mine.first == 0 || c.first < mine.first {
			mine.first = c.first
		}
		for _, in := range c.writers {
			mine.add(in)
		}
	}
	w.lost += o.lost
}
