package correlate

import (
	"time"

	"mailforensics/mail"
)

// state is where a hop is in its life: see the package document.
type state uint8

const (
	receiving state = iota // a line has its queue ID, but none says that it is in the queue
	queued                 // in the queue
	over                   // refused or cancelled, unless a line of the queue manager shows that it was not
	dead                   // its end was seen, or its queue ID was given to another message
)

// origin is how a hop came into being.
type origin uint8

const (
	unseen   origin = iota // its first line is not in the log
	bySMTP                 // Postfix client=, Exim <= with a host
	byUser                 // Postfix uid=, Exim P=local
	internal               // made by Postfix: a forward or a notice
)

// marks are facts about a hop.
type marks uint16

const (
	accepted  marks = 1 << iota // it is in the queue: queue manager's line, Exim <=
	delivered                   // a recipient got a disposition
	completed                   // its end was seen: removed, Completed
	named                       // its Message-ID was seen
	refused
	cancelled
	discarded
	held
	removed // by an administrator
	requeued
	probed
	suspect // its arrival contradicts its ID: see contradicts
	mayReturn
	nameless // cleanup logged that the mail has no Message-ID
)

// hop is one life of a queue ID: from the line that accepts a message to the line that ends it.
type hop struct {
	message    *message
	previous   *hop // an earlier life of the same queue ID that still lingers; nil: none
	queue      *queue
	id         string
	hash       uint64
	generation uint32
	number     uint32 // its place among the hops of its message, from 1; see mail.Recipient.Hop
	state      state
	origin     origin
	marks      marks
	born, died mail.Instant
	via        string // the recipient who was forwarded, if it is a forward
	filter     string // the relay that turned out to be a content filter, which put the mail back
	reports    uint8  // notices about it
}

// byClock returns the time of an event as the clock of the message's first host showed it.
func (m *message) byClock(ev *mail.Event) mail.Instant { return ev.Time.Add(m.ahead - ev.Ahead) }

func (h *hop) alive() bool { return h.state == receiving || h.state == queued }

// message is a message that is not handed out yet.
type message struct {
	mail.Message
	text     text // its strings
	first    hop
	hops     []*hop     // in the order in which they follow each other; the first one is &first
	absorbed []*message // messages whose hops turned out to be ours

	older, newer *message // in the list of all that are open
	alive        int      // number of hops that are alive
	born         mail.Instant
	ahead        time.Duration // the clock of its first host: see mail.Event.Ahead
	due          mail.Instant  // not to be handed out before
	generation   uint32
	lingers      bool // in Tracker.waiting
	joined       bool // its hops are a part of another message

	index    *recipientIndex // of Recipients, if there are many; else nil
	expected []string        // the queue IDs that it waits for; see Tracker.expected
}

// birth makes a message with one hop for the queue ID of ev, or returns the hop whose first line ev is although later ones came
// before it: children may log before their parent does (pickup after cleanup, cleanup before smtpd on a busy socket).
func (t *Tracker) birth(q *queue, ev *mail.Event, o origin) *hop {
	hash := t.hash(q, ev.QueueID)
	old := t.hops.find(hash, q, ev.QueueID)
	if old != nil {
		if (old.origin == unseen || old.origin == internal && o != internal) && t.now.Sub(old.born) <= late {
			old.origin = o
			return old
		}
		t.supersede(old)
	}
	return t.firstHop(q, ev, o, hash, old)
}

// firstHop makes a message with one hop for the queue ID of ev, which has that hash and had that life before; nil: none.
func (t *Tracker) firstHop(q *queue, ev *mail.Event, o origin, hash uint64, old *hop) *hop {
	m := t.newMessage(ev)
	h := &m.first
	h.message, h.queue, h.hash, h.id = m, q, hash, m.text.keep(ev.QueueID)
	h.origin, h.born, h.previous = o, t.now, old
	m.hops = append(m.hops, h)
	h.number = 1
	m.QueueIDs = append(m.QueueIDs, h.id)
	m.alive = 1
	t.hops.put(h)
	forgetOlder(old)
	return h
}

// supersede ends a hop whose queue ID was given to another message. If it never got into the queue, it was cancelled; else its
// end is missing in the log.
func (t *Tracker) supersede(h *hop) {
	if !h.alive() {
		return
	}
	if h.marks&(accepted|delivered|held|discarded) == 0 {
		h.marks |= cancelled
	} else {
		t.stats.EndNotSeen++
	}
	t.end(h, dead)
}

// forgetOlder bounds the number of lives of one queue ID that are kept: late lines belong to the last one or two.
func forgetOlder(h *hop) {
	const few = 3
	for range few {
		if h == nil {
			return
		}
		h = h.previous
	}
	if h != nil {
		h.previous = nil
	}
}

func (t *Tracker) newMessage(ev *mail.Event) *message {
	var m *message
	if n := len(t.spare); n > 0 {
		m = t.spare[n-1]
		t.spare = t.spare[:n-1]
	} else {
		m = &message{}
	}
	usual := usualPostfix
	if ev.MTA == mail.Exim {
		usual = usualExim
	}
	m.text.reserve(len(ev.Raw) + usual)
	t.endLine()
	t.keepText(m, ev)
	m.MTA, m.Time, m.End, m.born, m.ahead = ev.MTA, ev.Time, ev.Time, t.now, ev.Ahead
	m.Host = t.queues.keptHost
	m.Hosts = append(m.Hosts, m.Host)
	m.older = t.newest
	if t.newest != nil {
		t.newest.newer = m
	} else {
		t.oldest = m
	}
	t.newest = m
	t.open++
	return m
}

// find returns the newest life of a queue ID; nil: none. After a long silence in the log, lives that have lingered long enough
// are still kept: these are handed out first.
func (t *Tracker) find(q *queue, id string) *hop {
	hash := t.hash(q, id)
	for {
		h := t.hops.find(hash, q, id)
		if h == nil || h.state != dead || h.message.alive > 0 || t.now <= h.message.due {
			return h
		}
		t.handOut(h.message)
	}
}

// findLater returns the life to which a line of the delivery side belongs: while a new life is still being received, such a line
// is a late one of the life before.
func (t *Tracker) findLater(q *queue, id string) *hop {
	h := t.find(q, id)
	if h != nil && h.previous != nil && h.state == receiving {
		return h.previous
	}
	return h
}

func (t *Tracker) hash(q *queue, id string) uint64 {
	return mix(t.seed^q.salt, id)
}

// end ends a hop. If it was the last one alive, its message lingers.
func (t *Tracker) end(h *hop, s state) {
	wasAlive := h.alive()
	h.state = s
	if !wasAlive {
		return
	}
	h.died = t.now
	m := h.message
	m.alive--
	if m.alive == 0 {
		t.wait(m, t.lingerOf(m))
	}
}

// revive makes a hop alive again that was taken for refused or cancelled, and was not.
func (t *Tracker) revive(h *hop) {
	if h.state != over {
		return
	}
	h.state = queued
	h.message.alive++
}

func (t *Tracker) lingerOf(m *message) time.Duration {
	h := m.hops[len(m.hops)-1]
	switch {
	case h.marks&requeued != 0:
		return lingerRequeued
	case h.marks&mayReturn != 0 && len(m.hops) == 1:
		return lingerReinjected
	}
	return t.patience()
}

// wait puts m into the queue of messages that linger.
func (t *Tracker) wait(m *message, d time.Duration) {
	m.due = t.now.Add(d)
	if !m.lingers {
		m.lingers = true
		t.waiting.push(waiting{m, m.generation, t.now})
		if n := t.waiting.len(); n == 1 || n > maxLingering {
			t.rest = 0
		}
	}
}

// forget removes m from all lists. The caller lends or recycles its memory.
func (t *Tracker) forget(m *message) {
	for _, h := range m.hops {
		t.hops.remove(h)
		t.graves.bury(h, t.now)
		h.generation++
	}
	for _, id := range m.expected {
		if e, ok := t.expected[id]; ok && e.hop.message == m {
			delete(t.expected, id)
		}
	}
	t.unlist(m)
	m.generation++
	for _, child := range m.absorbed {
		child.generation++
	}
}

// recycleAll makes m and the messages that became a part of it ready for reuse.
func (t *Tracker) recycleAll(m *message) {
	for _, child := range m.absorbed {
		t.recycle(child)
	}
	t.recycle(m)
}

// unlist removes m from the list of open messages.
func (t *Tracker) unlist(m *message) {
	if m.older != nil {
		m.older.newer = m.newer
	} else {
		t.oldest = m.newer
	}
	if m.newer != nil {
		m.newer.older = m.older
	} else {
		t.newest = m.older
	}
	m.older, m.newer = nil, nil
	t.open--
}

// recycle makes m ready for reuse. Memory that one large message needed is released.
func (t *Tracker) recycle(m *message) {
	const keep = 1024
	if len(t.spare) >= maxSpare {
		return
	}
	generation, first := m.generation, m.first.generation
	hops, absorbed, expected := m.hops[:0], m.absorbed[:0], m.expected[:0]
	hosts, ids, on, acl, headers := m.Hosts[:0], m.QueueIDs[:0], m.HopHosts[:0], m.ACL[:0], m.Headers[:0]
	recipients, lines := m.Recipients[:0], m.Lines[:0]
	if cap(recipients) > keep {
		recipients = nil
	}
	clear(m.Lines)
	if cap(lines) > keep {
		lines = nil
	}
	*m = message{}
	m.generation, m.first.generation = generation, first
	m.hops, m.absorbed, m.expected = hops, absorbed, expected
	m.Hosts, m.QueueIDs, m.HopHosts, m.ACL, m.Headers = hosts, ids, on, acl, headers
	m.Recipients, m.Lines = recipients, lines
	t.spare = append(t.spare, m)
}

// hopRef refers to a hop whose memory may have been reused since.
type hopRef struct {
	hop        *hop
	generation uint32
}

func refTo(h *hop) hopRef { return hopRef{h, h.generation} }

// get returns the hop; nil: it is gone.
func (r hopRef) get() *hop {
	if r.hop == nil || r.hop.generation != r.generation {
		return nil
	}
	return r.hop
}
