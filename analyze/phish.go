package analyze

import (
	"cmp"
	"net/netip"
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
	n     int
	first keptWriter   // the earliest message of all
	more  []keptWriter // the first of each further one
}

// writers is everybody who wrote to it.
func (c *contact) writers() []writer {
	all := []writer{c.first.writer()}
	for i := range c.more {
		all = append(all, c.more[i].writer())
	}
	return all
}

// writer is somebody of ours and the first message that he wrote to an address.
type writer struct {
	mail.Origin
	time    mail.Instant
	account string
	sender  string
	subject string
	line    string
}

// keptWriter is a writer, packed: there may be a hundred thousand, and of a message's strings they need but a few.
type keptWriter struct {
	mail.Origin
	time   mail.Instant
	text   string // the line, and what does not stand in it
	line   uint32 // its length
	fields [writerFields]struct{ from, to uint32 }
}

// The texts of a writer.
const (
	writerAccount = iota
	writerSender
	writerSubject
	writerFields
)

func (w *writer) pack() keptWriter {
	k := keptWriter{Origin: w.Origin, time: w.time, line: uint32(len(w.line))}
	var beside [writerFields]string
	end := len(w.line)
	for i, s := range [writerFields]string{w.account, w.sender, w.subject} {
		from := strings.Index(w.line, s)
		if from < 0 {
			from, beside[i] = end, s
			end += len(s)
		}
		k.fields[i].from, k.fields[i].to = uint32(from), uint32(from+len(s))
	}
	k.text = w.line + beside[writerAccount] + beside[writerSender] + beside[writerSubject]
	return k
}

func (k *keptWriter) field(i int) string { return k.text[k.fields[i].from:k.fields[i].to] }

func (k *keptWriter) writer() writer {
	return writer{
		Origin: k.Origin, time: k.time, line: k.text[:k.line],
		account: k.field(writerAccount), sender: k.field(writerSender), subject: k.field(writerSubject),
	}
}

// writersKept is how many writers of one contact are known by name: to whom more write is no secret.
const writersKept = 12

const (
	warmFrom  = 8       // recipients of one origin within twenty minutes that may be a run
	warmSlots = 1 << 14 // origins are distinguished by hash: those that share a slot with a run are examined, too
	keptRuns  = 20_000  // messages of possible runs
)

// By what messages of a run may belong together.
const (
	bySender = iota
	byNet
	links
)

// incoming is when a message of a stranger came, and the slots of its origins.
type incoming struct {
	time  mail.Instant
	slots [links]uint16
}

// ofRun is a message that may be of a run. What prune asks of each stands beside it: to fetch twenty thousand texts for it takes
// longer than all the rest.
type ofRun struct {
	packed
	net    netKey
	honest bool // it is plainly honest
}

// phishWatch remembers the latest messages of strangers, so that a run can be reported from its first message on, and to whom our
// users write.
type phishWatch struct {
	pass     *Pass
	ring     ring[record]
	came     ring[incoming] // those of the ring: whether a message may be of a run is asked of every one, and the records are large
	crowds   [links][warmSlots]crowd
	warm     [links][][]stretch       // when the origins of a slot may be in a run
	warmth   [links][warmSlots]uint16 // of a slot: its place in warm, and one; most have none
	kept     []ofRun
	heard    countMin // senders and networks of strangers
	written  countMin // addresses to which our users wrote
	contacts *Entities[string, contact]
	first    mail.Instant
	last     mail.Instant
	lost     int
}

func newPhishWatch(p *Pass) *phishWatch {
	return &phishWatch{pass: p, contacts: NewEntities[string](p.Thresholds.Phish.MaxContacts, (*contact).weight, strings.Clone)}
}

// weight is how much a contact matters: one to whom several wrote.
func (c *contact) weight() int { return len(c.more) }

func (w *phishWatch) Event(*mail.Event) {}

func (w *phishWatch) Message(m *mail.Message) {
	if m.Notice || m.Time == 0 {
		return
	}
	ip := m.Client.IP
	inside := m.Account != "" || !ip.IsValid() || mail.IsInside(ip)
	if inside {
		w.outgoing(m)
		return
	}
	w.seen(m.Time)
	hashes := origins(m.Sender, ip)
	w.place(m.Time, hashes).remember(m)
	for by, hash := range hashes {
		w.heard.addMany(hash, max(1, len(m.Recipients)))
		slot := slotOf(hash)
		if n := w.crowds[by][slot].addMany(tenMinutes(m.Time), max(1, min(len(m.Recipients), warmFrom))); n >= warmFrom && w.isMany(n, hash) {
			w.heat(by, slot, m.Time)
		}
	}
}

// origins are hashes of what may link a message to others.
func origins(sender string, ip netip.Addr) [links]uint64 {
	return [...]uint64{bySender: hashText(ofAddress, sender), byNet: hashOfNet(netOf(ip))}
}

func slotOf(hash uint64) uint16 { return uint16(hash % warmSlots) }

// addMany counts n in the ten minutes of a slot, and is how many there are in these and the ten minutes before.
func (c *crowd) addMany(slot int32, n int) int {
	sum := c.add(slot)
	switch slot {
	case c.slot:
		c.now += int32(n - 1)
	case c.slot - 1:
		c.last += int32(n - 1)
	}
	return int(sum) + n - 1
}

func (w *phishWatch) seen(t mail.Instant) {
	if w.first == 0 || t < w.first {
		w.first = t
	}
	w.last = max(w.last, t)
}

// isMany reports whether n messages in twenty minutes are far more than an origin sends otherwise.
func (w *phishWatch) isMany(n int, hash uint64) bool {
	spans := max(shortLog.Minutes(), w.last.Sub(w.first).Minutes()) / 20
	return float64(n) >= hotFactor*float64(max(0, w.heard.about(hash)-n))/spans
}

func hashOfNet(n netKey) uint64 {
	if n.wide {
		return spread(n.bits ^ 1<<63)
	}
	return spread(n.bits)
}

// heat marks the time around t as one in which an origin may be in a run.
func (w *phishWatch) heat(by int, slot uint16, t mail.Instant) {
	w.widen(by, slot, stretch{t.Add(-newcomerPause), t.Add(newcomerPause)})
}

func (w *phishWatch) widen(by int, slot uint16, s stretch) {
	at := &w.warmth[by][slot]
	if *at == 0 {
		w.warm[by] = append(w.warm[by], nil)
		*at = uint16(len(w.warm[by]))
	}
	all := w.warm[by][*at-1]
	for i := len(all) - 1; i >= 0; i-- {
		if s.from <= all[i].to && s.to >= all[i].from {
			all[i] = stretch{min(s.from, all[i].from), max(s.to, all[i].to)}
			return
		}
	}
	if len(all) >= hotMost {
		all = all[1:]
	}
	w.warm[by][*at-1] = append(all, s)
}

func (w *phishWatch) mayBeRun(r *incoming) bool {
	for by, slot := range r.slots {
		at := w.warmth[by][slot]
		if at == 0 {
			continue
		}
		all := w.warm[by][at-1]
		for i := len(all) - 1; i >= 0; i-- { // it is mostly of the latest
			if r.time >= all[i].from && r.time <= all[i].to {
				return true
			}
		}
	}
	return false
}

// place is room for a record: a new one, or that of the oldest when there are enough, which is kept if it may be of a run.
func (w *phishWatch) place(t mail.Instant, hashes [links]uint64) *record {
	came, taken := w.came.take(w.pass.Thresholds.Phish.MaxRecords)
	r, _ := w.ring.take(w.pass.Thresholds.Phish.MaxRecords)
	if taken && w.mayBeRun(came) {
		w.keep(r)
	}
	came.time = t
	for by, hash := range hashes {
		came.slots[by] = slotOf(hash)
	}
	return r
}

// keep remembers a message that leaves the ring, where there is room for one more.
func (w *phishWatch) keep(r *record) {
	if len(w.kept) >= keptRuns {
		w.prune()
	}
	if len(w.kept) >= keptRuns {
		w.lost++
		return
	}
	w.kept = append(w.kept, ofRun{r.pack(), netOf(r.client.IP), isVERP(r.sender, r.first.address) || plainlyHonest([]*record{r})})
}

// prune makes room: what a bulk sender's own servers send is let go of.
func (w *phishWatch) prune() {
	nets := make(map[netKey]int)
	for i := range w.kept {
		nets[w.kept[i].net]++
	}
	w.kept = slices.DeleteFunc(w.kept, func(s ofRun) bool { return s.honest || nets[s.net] > keptRuns/4 })
	// It looks at everything that is kept, so it must free a good part each time: else every further message pays for it.
	if spare := len(w.kept) - keptRuns*3/4; spare > 0 {
		slices.SortStableFunc(w.kept, func(a, b ofRun) int { return cmp.Compare(a.time, b.time) })
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
	c.add(writer{Origin: m.Origin, time: m.Time, account: m.Account, sender: m.Sender, subject: m.Subject, line: m.Line})
}

// add keeps the first message of each writer, and the earliest writers.
func (c *contact) add(in writer) {
	switch {
	case c.first.time == 0:
		c.first = in.pack()
		return
	case c.first.same(&in):
		if in.before(&c.first) {
			c.first = in.pack()
		}
		return
	case in.before(&c.first):
		earliest := in.pack()
		in, c.first = c.first.writer(), earliest
	}
	for i := range c.more {
		if c.more[i].same(&in) {
			if in.before(&c.more[i]) {
				c.more[i] = in.pack()
				c.bound()
			}
			return
		}
	}
	if len(c.more) == writersKept && !in.before(&c.more[writersKept-1]) {
		return
	}
	c.more = append(c.more, in.pack())
	c.bound()
}

// bound keeps the earliest writers, once there are enough: the last is then the latest.
func (c *contact) bound() {
	if len(c.more) >= writersKept {
		slices.SortFunc(c.more, func(a, b keptWriter) int { return compareWriters(a.writer(), b.writer()) })
		c.more = c.more[:writersKept]
	}
}

// same reports whether two messages are one person's.
func (k *keptWriter) same(in *writer) bool {
	return strings.EqualFold(k.field(writerAccount), in.account) && strings.EqualFold(k.field(writerSender), in.sender)
}

// before reports whether a message is earlier than one that is kept.
func (w *writer) before(k *keptWriter) bool {
	if w.time != k.time {
		return w.time < k.time
	}
	return compareWriters(*w, k.writer()) < 0
}

// Merge takes over what other has counted.
func (w *phishWatch) Merge(other Watch) {
	o := other.(*phishWatch)
	if o.first != 0 {
		w.seen(o.first)
		w.seen(o.last)
	}
	for by := range o.warmth {
		for slot, at := range o.warmth[by] {
			if at == 0 {
				continue
			}
			for _, s := range o.warm[by][at-1] {
				w.widen(by, uint16(slot), s)
			}
		}
	}
	w.kept = append(w.kept, o.kept...)
	for r := range o.ring.oldestFirst {
		hashes := origins(r.sender, r.client.IP)
		*w.place(r.time, hashes) = *r
		for by, hash := range hashes {
			if slot := slotOf(hash); w.crowds[by][slot].addMany(tenMinutes(r.time), min(1+len(r.more), warmFrom)) >= warmFrom {
				w.heat(by, slot, r.time)
			}
		}
	}
	w.heard.merge(&o.heard)
	w.written.merge(&o.written)
	for key, c := range o.contacts.All() {
		mine := w.contacts.At(key)
		mine.n += c.n
		for _, in := range c.writers() {
			mine.add(in)
		}
	}
	w.lost += o.lost
}
