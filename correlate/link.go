package correlate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// bond is how one hop leads to the next.
type bond uint8

const (
	reinjected  bond = iota // a content filter took it out and put it back
	forwardedAs             // local(8) made a new message: an alias or .forward
	requeuedAs              // by postsuper -r, or by a scanner that works on the queue
	tookOver                // by another host whose log is given
)

const (
	// apart is how far the beginning of a child and the line of its parent may be from each other: a filter may work for minutes,
	// and the clocks of two hosts may differ.
	apart = 15 * time.Minute
	// atOnce is the same if only Message-ID and sender, or less, identify the child.
	atOnce = time.Minute
)

// pipeLink is a delivery to a command. Some commands put the mail back, which only its Message-ID and sender show.
type pipeLink struct {
	hop      hopRef
	envelope string
	relay    string
	at       mail.Instant
}

// expect is a queue ID that a delivery named, and that no line has yet.
type expect struct {
	message    *message
	generation uint32
	hop        *hop
	id         string
	envelope   string // the recipient who was delivered with it
	bond       bond
}

// maxExpected bounds the queue IDs that one message waits for.
const maxExpected = 64

// findOn returns the newest life of a queue ID on a host, in any instance.
func (t *Tracker) findOn(h *host, id string) *hop {
	for _, q := range h.queues {
		if found := t.find(q, id); found != nil {
			return found
		}
	}
	return nil
}

// findAnyInstance is findLater for lines of a daemon whose syslog_name may not be that of the queue.
func (t *Tracker) findAnyInstance(q *queue, id string) *hop {
	if h := t.findLater(q, id); h != nil || len(q.host.queues) == 1 {
		return h
	}
	return t.findOn(q.host, id)
}

// findReceiving finds a message that smtpd accepted under another syslog_name than that of the queue ("submit/smtpd" hands over
// to "postfix/cleanup"), and moves it to its true queue.
func (t *Tracker) findReceiving(q *queue, id string) *hop {
	for _, other := range q.host.queues {
		if other == q {
			continue
		}
		h := t.find(other, id)
		if h == nil || h.state != receiving || h.origin != bySMTP || h.marks&(named|accepted) != 0 || t.now.Sub(h.born) > atOnce {
			continue
		}
		t.hops.remove(h)
		h.queue, h.hash = q, t.hash(q, id)
		t.hops.put(h)
		return h
	}
	return nil
}

// findElsewhere returns the life of a queue ID on another host than h. Only a few hosts are tried: the one that had mail for the
// relay before, the one with the relay's name, and the first ones.
func (t *Tracker) findElsewhere(h *host, id, relay string) *hop {
	if q := t.relays[relay]; q != nil && q.host != h {
		if found := t.find(q, id); found != nil {
			return found
		}
	}
	const few = 16
	for i, other := range t.queues.hosts {
		if other == h || i >= few && !sameHost(other.name, relay) {
			continue
		}
		if found := t.findOn(other, id); found != nil {
			return found
		}
	}
	return nil
}

func sameHost(a, b string) bool {
	a, _, _ = strings.Cut(a, ".")
	b, _, _ = strings.Cut(b, ".")
	return a != "" && strings.EqualFold(a, b)
}

// linkDelivery follows a recipient to the queue ID that a delivery names: what local(8) forwarded it as, what a filter put it
// back as, what the next host calls it.
func (t *Tracker) linkDelivery(h *hop, r *mail.Recipient, ev *mail.Event) {
	switch ev.Disposition {
	case mail.Delivered, mail.Forwarded, mail.Filtered:
	default:
		return
	}
	if ev.Child == "" {
		t.linkWithoutName(h, r, ev)
		return
	}
	m := h.message
	if m.knowsMore(ev.Child) {
		if r.Hop == h.number { // the child has no disposition for this recipient yet
			handedOver(r, isNear(ev))
		}
		return
	}
	b, child := t.childOf(h, ev)
	filter := netip.AddrPortFrom(ev.RelayIP, ev.RelayPort)
	if child != nil {
		switch b {
		case tookOver:
			t.rememberRelay(ev.Relay, child.queue)
		case reinjected:
			h.queue.host.rememberFilter(filter)
		}
		t.join(h, child, b, r)
		return
	}
	if b == reinjected && slices.Contains(h.queue.host.filters, filter) {
		r.Disposition = mail.Filtered // no line that we have says what became of it
	}
	if b != tookOver || t.mayHaveHosts() {
		t.expect(h, ev.Child, b, r.Envelope())
	}
}

// mayHaveHosts reports whether the log is of several hosts, or has only begun, so that this is not known.
func (t *Tracker) mayHaveHosts() bool {
	const begun = 1 << 16
	return len(t.queues.hosts) > 1 || t.stats.Events < begun
}

// rememberFilter keeps the addresses of the few content filters that put mail back most recently.
func (h *host) rememberFilter(filter netip.AddrPort) {
	const few = 8
	if slices.Contains(h.filters, filter) {
		return
	}
	if len(h.filters) == few {
		h.filters = h.filters[1:]
	}
	h.filters = append(h.filters, filter)
}

// maxRelays bounds the relays that are remembered.
const maxRelays = 1 << 12

func (t *Tracker) rememberRelay(relay string, q *queue) {
	if t.relays[relay] != q && len(t.relays) < maxRelays {
		t.relays[strings.Clone(relay)] = q
	}
}

// childOf finds the hop that a delivery names. If a stranger's server replies "queued as" with an ID of ours, that must not join
// two messages: a filter has an address in our own network, or hands the mail back from where it got it; another host has a
// message with the same Message-ID or sender.
func (t *Tracker) childOf(h *hop, ev *mail.Event) (bond, *hop) {
	m := h.message
	if ev.Disposition == mail.Forwarded {
		child := t.find(h.queue, ev.Child)
		if child != nil && (child.origin != internal && child.origin != unseen || !t.mayFollow(m, child)) {
			child = nil
		}
		return forwardedAs, child
	}
	child := t.findOn(h.queue.host, ev.Child)
	if child != nil && t.mayFollow(m, child) && child.origin != internal && sameMail(m, child.message) {
		c := child.message
		if c.Account == "" && (mail.IsInside(c.Client.IP) || child.origin == byUser || c.Client.IP == ev.RelayIP) || child.queue != h.queue {
			return reinjected, child
		}
		if h.queue.host.name == "" && sameMailSurely(m, c) { // a log that names no host may be of several
			return tookOver, child
		}
	}
	if len(t.queues.hosts) > 1 {
		child = t.findElsewhere(h.queue.host, ev.Child, ev.Relay)
		if child != nil && t.mayFollow(m, child) && child.origin == bySMTP && sameMailSurely(m, child.message) {
			return tookOver, child
		}
	}
	if isNear(ev) {
		return reinjected, nil
	}
	return tookOver, nil
}

// isNear reports whether a delivery went to an address in our own network.
func isNear(ev *mail.Event) bool { return mail.IsInside(ev.RelayIP) }

// mayFollow reports whether the child can be a hop of m: it is the first hop of another message, which began at about this time.
func (t *Tracker) mayFollow(m *message, child *hop) bool {
	c := child.message
	return c != m && c.hops[0] == child && !c.Notice && within(t.now, child.born, apart)
}

func within(a, b mail.Instant, d time.Duration) bool {
	return a.Sub(b) <= d && b.Sub(a) <= d
}

// sameMail reports whether nothing contradicts that two hops are of the same message.
func sameMail(a, b *message) bool {
	if a.MessageID != "" && b.MessageID != "" {
		return a.MessageID == b.MessageID
	}
	return a.Sender == "" || b.Sender == "" || mail.Fold(a.Sender) == mail.Fold(b.Sender)
}

// sameMailSurely reports whether two hops have the same Message-ID, or the same sender if one of them has no Message-ID: an Exim
// with log_selector -all logs no id=.
func sameMailSurely(a, b *message) bool {
	if a.MessageID != "" && b.MessageID != "" {
		return a.MessageID == b.MessageID
	}
	return a.Sender != "" && mail.Fold(a.Sender) == mail.Fold(b.Sender)
}

// linkWithoutName looks for the message that a command put back. It may be in the queue before the line of the delivery to the
// command, or after it: pickup takes some time.
func (t *Tracker) linkWithoutName(h *hop, r *mail.Recipient, ev *mail.Event) {
	if ev.RelayIP.IsValid() || ev.Daemon != "pipe" && ev.MTA != mail.Exim {
		return
	}
	command := cmp.Or(ev.Transport, ev.Relay)
	if h.filter != "" && h.filter == command {
		if r.Hop == h.number {
			handedOver(r, true)
		}
		return
	}
	m := h.message
	if m.MessageID == "" {
		return
	}
	var child *hop
	t.injected.each(func(ref *hopRef) bool {
		c := ref.get()
		if c == nil {
			return true
		}
		if t.now.Sub(c.born) > atOnce || c.born < h.born {
			return false
		}
		if t.isPutBack(h, c) {
			child = c
		}
		return child == nil
	})
	if child != nil {
		h.filter = t.names.get(command)
		t.join(h, child, reinjected, r)
		return
	}
	t.piped.put(pipeLink{refTo(h), r.Envelope(), t.names.get(command), t.now})
}

// isPutBack reports whether c may be what a command put back of h's message: same host, Message-ID and sender, from this machine.
func (t *Tracker) isPutBack(h, c *hop) bool {
	m, put := h.message, c.message
	return c.queue.host == h.queue.host && t.mayFollow(m, c) && c.marks&accepted != 0 && c.marks&mayReturn != 0 &&
		m.MessageID != "" && m.MessageID == put.MessageID && m.Sender == put.Sender
}

// adopt ties a message that has just got into the queue to the delivery that named it, or that put it back.
func (t *Tracker) adopt(h *hop) {
	if t.handIns.n > 0 {
		t.toldByWebmail(h)
		t.arrived.put(refTo(h))
	}
	if len(t.expected) > 0 {
		e, ok := t.expected[mix(t.seed, h.id)]
		if ok && e.id == h.id && e.message.generation == e.generation && !e.message.joined && t.isExpected(e, h) {
			if e.bond == tookOver {
				m := e.message
				if r := m.findRecipient(e.envelope, "", false); r != nil {
					t.rememberRelay(r.Relay, h.queue)
				}
			}
			t.join(e.hop, h, e.bond, e.message.findRecipient(e.envelope, "", false))
			return
		}
	}
	if h.marks&mayReturn == 0 || t.piped.n == 0 {
		return
	}
	var p *pipeLink
	t.piped.each(func(l *pipeLink) bool {
		if t.now.Sub(l.at) > atOnce {
			return false
		}
		if parent := l.hop.get(); parent != nil && t.isPutBack(parent, h) {
			p = l
		}
		return p == nil
	})
	if p != nil {
		parent := p.hop.get()
		if parent.filter == p.relay { // a further message of the same command, whose recipients were handed over with the first one
			t.join(parent, h, reinjected, nil)
			return
		}
		parent.filter = p.relay
		t.join(parent, h, reinjected, parent.message.findRecipient(p.envelope, "", false))
	}
}

// isExpected reports whether a new hop is the one that a delivery named. The queue ID alone does not tell: short ones are reused.
func (t *Tracker) isExpected(e expect, h *hop) bool {
	m, c := e.message, h.message
	if !t.mayFollow(m, h) || !within(e.message.End, h.born, apart) {
		return false
	}
	sameMachine := h.queue.host == e.hop.queue.host
	if e.bond == tookOver && h.queue.host.name == "" {
		sameMachine = false // a log that names no host may be of several
	}
	switch e.bond {
	case forwardedAs:
		return sameMachine && h.origin == internal
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
	key := mix(t.seed, id)
	if e, ok := t.expected[key]; ok && e.message == m {
		return // noted already, for another recipient
	}
	t.expected[key] = expect{m, m.generation, h, strings.Clone(id), envelope, b}
	m.expected = append(m.expected, key)
}

// linkOriginal ties a message that a filter puts back with XFORWARD to the first queue ID, which that names. The caller has
// checked that the client is in our own network: a stranger may claim anything.
func (t *Tracker) linkOriginal(q *queue, child *hop, ev *mail.Event) {
	parent := t.findOn(q.host, ev.Child)
	if parent == nil || parent.marks&(accepted|delivered) == 0 || !t.mayFollow(parent.message, child) {
		return
	}
	t.join(parent, child, reinjected, nil)
}

// linkRequeued ties a message that postsuper -r put back to its earlier life.
func (t *Tracker) linkRequeued(q *queue, child *hop, id string) {
	parent := t.findOn(q.host, id)
	if parent == nil || parent.message == child.message || child.message.hops[0] != child {
		return
	}
	child.message.Sender = cmp.Or(parent.message.Sender, child.message.Sender)
	t.join(parent, child, requeuedAs, nil)
}

// filter handles an event of a content filter about a message.
func (t *Tracker) filter(ev *mail.Event) {
	if ev.QueueID != "" {
		q := t.queueOf(ev)
		if h := t.findOn(q.host, ev.QueueID); h != nil {
			t.touch(h.message, ev)
			t.filtered(q.host, h, ev)
		} else if ev.Child != "" && ev.Kind == mail.FilterResult {
			t.noteTask(q.host, ev)
		}
	}
	t.pass(ev)
}

// task is a message that a filter put back, by an ID of the filter: Proxmox Mail Gateway replies to the MTA with that one.
type task struct {
	host  *host
	id    string
	child string
}

// noteTask keeps what a filter says that it put back.
func (t *Tracker) noteTask(on *host, ev *mail.Event) {
	known := false
	t.tasks.each(func(k *task) bool {
		known = known || k.host == on && k.id == ev.QueueID && k.child == ev.Child
		return !known
	})
	if !known {
		t.tasks.put(task{on, strings.Clone(ev.QueueID), strings.Clone(ev.Child)})
	}
}

// ofTask returns the messages that a filter on this host put back for its own ID, in their order.
func (t *Tracker) ofTask(on *host, id string) (children []*hop) {
	t.tasks.each(func(k *task) bool {
		if k.host == on && k.id == id {
			if child := t.findOn(on, k.child); child != nil {
				children = append(children, child)
			}
		}
		return true
	})
	slices.Reverse(children)
	return children
}

// linkTask ties what a filter put back to the message that it was given, if its reply names only its own ID, and returns the
// delivery with the queue ID of the child instead. The event itself belongs to the caller, and is not changed.
func (t *Tracker) linkTask(h *hop, ev *mail.Event) *mail.Event {
	if t.tasks.n == 0 || ev.Child == "" || !isNear(ev) {
		return ev
	}
	told := ev
	for _, child := range t.ofTask(h.queue.host, ev.Child) {
		if child.message != h.message && (child.marks&mayReturn == 0 || !t.mayFollow(h.message, child)) {
			continue
		}
		if child.message != h.message {
			t.join(h, child, reinjected, nil)
		}
		c := *ev
		c.Child, told = child.id, &c
		h.queue.host.rememberFilter(netip.AddrPortFrom(ev.RelayIP, ev.RelayPort))
	}
	return told
}

// filtered ties a message to what a filter says that it put it back as ("queued_as: 5C3D7720A1", several separated by a slash).
func (t *Tracker) filtered(on *host, h *hop, ev *mail.Event) {
	ids := ev.Child
	for ids != "" {
		var id string
		id, ids, _ = strings.Cut(ids, "/")
		if h.message.knowsMore(id) {
			continue
		}
		b := reinjected
		if ev.Kind == mail.Requeue {
			b = requeuedAs
		}
		child := t.findOn(on, id)
		switch {
		case child == nil:
			t.expect(h, id, b, "")
		case t.mayFollow(h.message, child) && sameMail(h.message, child.message) && (b == requeuedAs || child.marks&mayReturn != 0):
			t.join(h, child, b, nil)
		default:
			continue
		}
		if b == requeuedAs { // the scanner removed the queue file itself, so qmgr never logs that
			h.marks |= requeued | accepted | completed
			t.end(h, dead)
		}
	}
}

// join makes the hops of the child's message a part of the parent's. Account, client and script of the first hop stay; the
// dispositions of the child's recipients count. r is the parent's recipient that led to the child; nil: not known.
func (t *Tracker) join(parent, child *hop, b bond, r *mail.Recipient) {
	m, c := parent.message, child.message
	via := ""
	if r != nil {
		via = r.Envelope()
		if b != forwardedAs && r.Hop == parent.number {
			m.handedOverTogether(r, b == reinjected)
		}
	}
	before := uint32(len(m.hops))
	for i := range c.Recipients {
		if r := &c.Recipients[i]; r.Hop != 0 {
			r.Hop += before
		}
		m.inherit(&c.Recipients[i], b, via)
	}
	for _, h := range c.hops {
		h.message = m
		h.number += before
		if b == forwardedAs {
			h.via = via
		}
	}
	if b == forwardedAs {
		child.origin = internal // if cleanup's lines are lost, only that of local(8) shows it
	}
	m.hopsOn(c)
	m.hops = append(m.hops, c.hops...)
	m.QueueIDs = append(m.QueueIDs, c.QueueIDs...)
	for _, host := range c.Hosts {
		if !slices.Contains(m.Hosts, host) {
			m.Hosts = append(m.Hosts, host)
		}
	}
	m.alive += c.alive
	m.End = max(m.End, c.End)
	m.Lines = append(m.Lines, c.Lines...)
	if from := parent.queue.host; from != child.queue.host && from.name == m.Host && !m.PassedFrom.IsValid() {
		m.PassedFrom = c.Client.IP
	}
	m.Relayed = m.Relayed || b == tookOver || c.Relayed
	m.MessageID = cmp.Or(m.MessageID, c.MessageID)
	m.Subject = cmp.Or(m.Subject, c.Subject)
	m.Script = cmp.Or(m.Script, c.Script)
	if m.Sender == "" {
		m.Sender = c.Sender
	}
	m.ACL = appendSome(m.ACL, c.ACL)
	m.Headers = appendSome(m.Headers, c.Headers)
	m.absorbed = append(append(m.absorbed, c), c.absorbed...)
	m.expected = append(m.expected, c.expected...)
	for _, key := range c.expected {
		if e, ok := t.expected[key]; ok && e.message == c {
			e.message, e.generation = m, m.generation
			t.expected[key] = e
		}
	}
	c.absorbed, c.expected, c.joined, c.alive = c.absorbed[:0], c.expected[:0], true, 0
	t.unlist(c)
	if m.alive == 0 {
		t.wait(m, t.patience().usual)
	}
}

// hopsOn notes the hosts of the hops of c, which become m's. Nearly all messages have all hops on one host.
func (m *message) hopsOn(c *message) {
	if len(m.HopHosts) == 0 && len(c.HopHosts) == 0 && m.Host == c.Host {
		return
	}
	if len(m.HopHosts) == 0 {
		for range m.QueueIDs {
			m.HopHosts = append(m.HopHosts, m.Host)
		}
	}
	for i := range c.QueueIDs {
		_, host := c.Hop(i + 1)
		m.HopHosts = append(m.HopHosts, host)
	}
}

// handedOver notes that a hop passed a recipient on to another hop of the same message, which is no delivery attempt.
func handedOver(r *mail.Recipient, toFilter bool) {
	if r.Attempts > 0 {
		r.Attempts--
	}
	if toFilter && r.Disposition == mail.Delivered {
		r.Disposition = mail.Filtered
	}
}

// handedOverTogether does so for r and all recipients that went with it: one message was handed over for several, and the lines
// of all of them came before the first line of what was made of it. They have the same reply, "queued as" and an ID.
func (m *message) handedOverTogether(r *mail.Recipient, toFilter bool) {
	for i := range m.Recipients {
		o := &m.Recipients[i]
		if o.Hop == r.Hop && o.Disposition == r.Disposition && o.Reply == r.Reply && o.Relay == r.Relay && o.RelayIP == r.RelayIP {
			handedOver(o, toFilter)
		}
	}
}

func appendSome[T comparable](to, from []T) []T {
	for _, x := range from {
		if len(to) < maxTexts && !slices.Contains(to, x) {
			to = append(to, x)
		}
	}
	return to
}

// inherit takes over what a later hop knows of a recipient.
func (m *message) inherit(c *mail.Recipient, b bond, via string) {
	if b == forwardedAs {
		if c.Original == "" && c.Address != via {
			c.Original = via
		}
		if m.findRecipient(c.Address, c.Original, true) == nil {
			m.addRecipient(*c)
		}
		return
	}
	r := m.findRecipient(c.Address, c.Original, false)
	if r == nil {
		r = m.findRewritten(c.Address, c.Original)
	}
	switch {
	case r == nil:
		m.addRecipient(*c)
	case c.Disposition != mail.NoDisposition:
		address, original, attempts := r.Address, r.Original, r.Attempts
		*r = *c
		r.Address, r.Original = address, original
		m.rewritten(r, c.Address)
		r.Attempts += attempts
		if r.Time > m.Time {
			r.Delay, r.HasDelay = r.Time.Sub(m.Time), true
		}
	}
}
