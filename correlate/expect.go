package correlate

import "strings"

// expect is a queue ID that a delivery named, and that no line has yet.
type expect struct {
	hop      *hop   // whose delivery that was
	envelope string // the recipient who was delivered with it
	bond     bond
}

// maxExpected bounds the queue IDs that one message waits for.
const maxExpected = 64

// adopt ties a message that has just got into the queue to the delivery that named it, or that put it back.
func (t *Tracker) adopt(h *hop) {
	if t.handIns.n > 0 {
		t.toldByWebmail(h)
		t.arrived.put(refTo(h))
	}
	if len(t.expected) > 0 && t.adoptExpected(h) {
		return
	}
	if h.marks&mayReturn != 0 && t.piped.n > 0 {
		t.adoptPutBack(h)
	}
}

// adoptExpected ties a hop to the delivery that named its queue ID; false: none did.
func (t *Tracker) adoptExpected(h *hop) bool {
	e, ok := t.expected[h.id]
	if !ok || !t.isExpected(e, h) {
		return false
	}
	b, r := e.bond, e.hop.message.findRecipient(e.envelope, "")
	if b == reinjected && h.queue.host != e.hop.queue.host { // it went to an address in our own network
		b = tookOver
	}
	if b == tookOver && r != nil {
		t.rememberRelay(r.Relay, h.queue)
	}
	t.join(e.hop, h, b, r)
	return true
}

// isExpected reports whether a new hop is the one that a delivery named. The queue ID alone does not tell: short ones are reused.
func (t *Tracker) isExpected(e expect, h *hop) bool {
	m, c := e.hop.message, h.message
	if !t.mayFollow(m, h) || !within(m.End.Add(-m.ahead), h.born, apart) {
		return false
	}
	sameMachine := h.queue.host == e.hop.queue.host
	if e.bond == tookOver && h.queue.host.name == "" {
		sameMachine = false // a log that names no host may be of several
	}
	switch e.bond {
	case forwardedAs:
		return sameMachine && (h.origin == internal || h.origin == unseen) // unseen: cleanup's lines are lost
	case requeuedAs:
		return sameMachine
	case reinjected:
		if sameMachine {
			return h.origin != internal && (h.marks&mayReturn != 0 || h.queue != e.hop.queue) && sameMail(m, c)
		}
	}
	return !sameMachine && h.origin == bySMTP && sameMailSurely(m, c)
}

// expect notes that a delivery of h named a queue ID that is not known yet.
func (t *Tracker) expect(h *hop, id string, b bond, envelope string) {
	m := h.message
	if len(m.expected) >= maxExpected {
		return
	}
	if e, ok := t.expected[id]; ok && e.hop.message == m {
		return // noted already, for another recipient
	}
	id = strings.Clone(id)
	t.expected[id] = expect{h, envelope, b}
	m.expected = append(m.expected, id)
}
