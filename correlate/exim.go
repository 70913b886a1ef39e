package correlate

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// eximHost is what was learned about the Exim on a host.
type eximHost struct {
	lag    time.Duration // stamp of an arrival less the second in its ID, rounded to quarters of an hour: a wrong zone of the log
	agreed int           // arrivals with that lag, less those with another
	from   hopRef        // the first arrival with that lag
}

// aclText is what an access rule logged about a client, to be given to that client's next message.
type aclText struct {
	host *host
	ip   netip.Addr
	pid  int
	at   mail.Instant
	text string // "": given to a message
	was  string
}

// exim handles an event of Exim.
func (t *Tracker) exim(ev *mail.Event) {
	q := t.queueOf(ev)
	if ev.QueueID == "" {
		if ev.Kind == mail.CommandLine {
			t.command(q, ev)
			return
		}
		t.ruled(q, ev)
		t.pass(ev)
		return
	}
	switch ev.Kind {
	case mail.Delivery:
		t.eximDelivery(q, ev)
	case mail.Accept, mail.LocalSubmit:
		t.eximArrival(q, ev)
	case mail.Complete, mail.Remove, mail.Requeue:
		t.eximEnd(q, ev)
	case mail.Hold, mail.Release, mail.Expire, mail.Discard:
		t.eximState(q, ev)
	case mail.Reject:
		t.eximReject(q, ev)
	default:
		t.eximText(q, ev)
	}
}

// ruled keeps the text of an access rule that names a client.
func (t *Tracker) ruled(q *queue, ev *mail.Event) {
	if ev.Kind != mail.FilterResult || !ev.Client.IP.IsValid() {
		return
	}
	t.texts.put(aclText{host: q.host, ip: ev.Client.IP, pid: ev.PID, at: t.now, text: strings.Clone(ev.Text)})
}

// eximArrival handles "<=": the message is in the queue.
func (t *Tracker) eximArrival(q *queue, ev *mail.Event) {
	h := t.eximBirth(q, ev)
	if h == nil {
		t.stats.Doubtful++ // an ID has one arrival only
		return
	}
	m := h.message
	h.origin = bySMTP
	if ev.Kind == mail.LocalSubmit {
		h.origin = byUser
	}
	t.revive(h)
	if h.state == receiving {
		h.state = queued
	}
	h.marks |= accepted
	h.born, m.born = t.now, t.now
	t.take(m, ev)
	t.touch(m, ev)
	if ev.Has(mail.Unclear) {
		t.stats.Unclear++
	}
	m.Client = ev.Client
	m.Client.Name, m.Client.HELO = m.text.keep(ev.Client.Name), m.text.keep(ev.Client.HELO)
	m.Account, m.AuthMethod, m.User = m.text.keep(ev.Account), t.names.get(ev.AuthMethod), t.names.get(ev.User)
	m.UID = ev.UID
	m.Sender, m.MessageID, m.Subject = m.text.keep(ev.Sender), m.text.keep(ev.MessageID), m.text.keep(ev.Subject)
	m.Size = ev.Size
	t.envelope(m, h, ev.Recipients)
	if t.contradicts(q.host, h, ev) {
		h.marks |= suspect
	}
	t.eximNotice(q, h, ev)
	if ev.Kind == mail.LocalSubmit {
		t.commanded(q, m, ev)
	} else {
		t.acl(q, m, ev)
	}
	if isReturn(ev) {
		h.marks |= mayReturn
		t.injected.put(refTo(h))
	}
	t.adopt(h)
}

// eximBirth returns the hop that arrives: nearly always a new one, else one of which other lines came before; nil: it has arrived
// already.
func (t *Tracker) eximBirth(q *queue, ev *mail.Event) *hop {
	hash := t.hash(q, ev.QueueID)
	if t.hops.find(hash, q, ev.QueueID) == nil {
		return t.firstHop(q, ev, unseen, hash, nil)
	}
	switch h := t.find(q, ev.QueueID); {
	case h == nil || h.state == dead && t.now.Sub(h.died) > late:
		return t.birth(q, ev, unseen)
	case h.marks&accepted == 0:
		return h
	}
	return nil
}

// isReturn reports whether an arrival may be a message that a content filter puts back: from this machine, without a login. A
// caller that Exim trusts can set the protocol (-oMr spam-scanned).
func isReturn(ev *mail.Event) bool {
	if ev.Kind == mail.LocalSubmit {
		return ev.Parent == ""
	}
	return mail.IsInside(ev.Client.IP) && ev.Account == ""
}

// envelope adds the recipients of a "for" list: addresses separated by blanks; a quoted local part may contain blanks.
func (t *Tracker) envelope(m *message, h *hop, list string) {
	for list != "" {
		var address string
		address, list = cutAddress(list)
		if address == "" {
			continue
		}
		t.recipient(m, h, address, "")
		m.Stated++
	}
}

func cutAddress(list string) (address, rest string) {
	if address, rest, _ = strings.Cut(list, " "); strings.IndexByte(address, '"') < 0 {
		return address, rest
	}
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// eximNotice decides whether an arrival is a notice: with the null sender, from a local process, which either runs as Exim's own
// user, or names a message (R=) that has failed recipients to report. R= alone proves nothing, because any local user may call
// Exim with -f '<>' and -E<id> (src/exim.c), and would then not be counted. So it is believed only a few times for each message.
func (t *Tracker) eximNotice(q *queue, h *hop, ev *mail.Event) {
	if ev.Kind != mail.LocalSubmit || !strings.HasPrefix(ev.Protocol, "local") {
		return
	}
	m := h.message
	m.Parent = m.text.keep(ev.Parent)
	if ev.Sender == mail.NullSender {
		m.Notice = isEximUser(ev.User) || ev.Parent != "" && t.mayReport(q, ev.Parent)
	}
}

// mayReport reports whether Exim may be about to send a notice about this message.
func (t *Tracker) mayReport(q *queue, id string) bool {
	const few = 4
	parent := t.find(q, id)
	if parent == nil || parent.reports >= few {
		return false
	}
	for i := range parent.message.Recipients {
		switch parent.message.Recipients[i].Disposition {
		case mail.Bounced, mail.Deferred, mail.Expired:
			parent.reports++
			return true
		}
	}
	return false
}

// isEximUser reports whether a user is the one that Exim runs as, in its own defaults and in the packages of Debian, FreeBSD and
// cPanel, and DirectAdmin.
func isEximUser(user string) bool {
	switch user {
	case "exim", "Debian-exim", "mailnull", "mail":
		return true
	}
	return false
}

// acl gives a message the texts that access rules logged about its client since its previous message. The same text may come once
// for each recipient; further copies belong to another session of the same client.
func (t *Tracker) acl(q *queue, m *message, ev *mail.Event) {
	if t.texts.n == 0 {
		return
	}
	mine := t.aclMine[:0]
	t.texts.each(func(x *aclText) bool {
		if t.now.Sub(x.at) > atOnce {
			return false
		}
		if x.ip == ev.Client.IP && x.host == q.host && x.pid == ev.PID && x.text != "" {
			mine = append(mine, x)
		}
		return true
	})
	t.aclMine = mine
	slices.Reverse(mine) // they were collected newest first
	for i, x := range mine {
		same := 0
		for _, before := range mine[:i] {
			if before.text == "" && before.was == x.text {
				same++
			}
		}
		if m.Stated == 0 || same < m.Stated {
			m.addText(x.text)
			x.was, x.text = x.text, ""
		}
	}
}

func (m *message) addText(text string) {
	if len(m.ACL) >= maxTexts {
		return
	}
	for _, s := range m.ACL {
		if s == text {
			return
		}
	}
	m.ACL = append(m.ACL, text)
}

// eximText handles a line with an ID that says nothing about the fate of the message: a server that was skipped, the text of an
// access rule, a signature. If the message has not arrived yet, it is kept for it.
func (t *Tracker) eximText(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	if h == nil {
		if ev.Kind == mail.Attempt || t.graves.holds(q, ev.QueueID, t.now) {
			t.pass(ev)
			return
		}
		h = t.birth(q, ev, unseen)
		t.end(h, over)
	}
	m := h.message
	t.touch(m, ev)
	if ev.Kind == mail.FilterResult {
		m.addText(m.text.keep(ev.Text))
		if m.Script == "" && ev.Script != "" {
			m.Script = t.names.get(ev.Script)
		}
	}
	t.pass(ev)
}

// eximDelivery handles => -> >> ** ==.
func (t *Tracker) eximDelivery(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	if h == nil {
		if t.graves.holds(q, ev.QueueID, t.now) {
			t.stats.Late++
			return
		}
		h = t.birth(q, ev, unseen)
		if ev.Has(mail.Cutthrough) {
			t.end(h, over) // until it is accepted
		} else {
			h.state = queued
		}
	}
	m := h.message
	t.touch(m, ev)
	if !ev.Has(mail.Cutthrough) {
		h.marks |= delivered
	}
	t.linkDelivery(h, t.outcome(h, ev), ev)
}

// eximEnd handles Completed, and the removal by an administrator.
func (t *Tracker) eximEnd(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	if h == nil {
		t.unknownEnd(q, ev)
		return
	}
	t.touch(h.message, ev)
	if ev.Kind == mail.Remove && strings.HasPrefix(ev.Text, "rescind") { // 4.98: the message was not accepted after all
		h.marks = h.marks&^accepted | refused
		t.end(h, over)
		return
	}
	if ev.Kind == mail.Remove {
		h.marks |= removed
		if h.marks&accepted == 0 {
			h.marks |= delivered
		}
		return // since 4.44, Completed follows
	}
	h.marks |= completed
	t.end(h, dead)
}

// eximState handles a message that is frozen, thawed, given up or discarded.
func (t *Tracker) eximState(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	if h == nil {
		t.stats.Orphans++
		return
	}
	m := h.message
	t.touch(m, ev)
	switch ev.Kind {
	case mail.Hold:
		h.marks |= held
	case mail.Release:
		h.marks &^= held
	case mail.Expire:
		h.marks &^= held
		m.expire(h, ev)
	case mail.Discard:
		h.marks |= discarded
	}
}

// eximReject handles a refusal that names an ID. If the message is not accepted, the ID is not used.
func (t *Tracker) eximReject(q *queue, ev *mail.Event) {
	if h := t.find(q, ev.QueueID); h != nil {
		t.touch(h.message, ev)
		if h.marks&accepted == 0 {
			h.marks |= refused
			t.end(h, over)
		}
	}
	t.pass(ev)
}

const (
	quarter = 15 * time.Minute
	// slow is how long a reception may take: longer than any SMTP timeout.
	slow = 6 * time.Hour
	// ahead is how much earlier than the second in its ID an arrival may be stamped, because clocks are inaccurate.
	ahead = 2 * time.Minute
)

// contradicts reports whether the stamp of an arrival and the second in its ID cannot both be true. They differ by the time that
// the reception took, and, if the zone of the log was guessed wrongly, by quarters of an hour, the same for all arrivals. A
// forged line, made by a line feed in a value (src/dkim.c, src/exim.c), seldom gets both right. If it is the first arrival in the
// log, later ones reveal it.
func (t *Tracker) contradicts(on *host, h *hop, ev *mail.Event) bool {
	began, ok := parse.EximID(ev.QueueID)
	if !ok || ev.Time == 0 {
		return false
	}
	lag := ev.Time.Sub(began)
	zone := (lag + ahead).Truncate(quarter)
	if lag+ahead < 0 && zone != lag+ahead {
		zone -= quarter
	}
	x := &on.exim
	switch {
	case zone == x.lag && x.agreed > 0:
		x.agreed = min(x.agreed+1, 1000)
		return false
	case x.agreed <= 0, isOffset(zone) && !isOffset(x.lag):
		if first := x.from.get(); first != nil && isLag(zone) && !isLag(x.lag) {
			first.marks |= suspect
		}
		x.lag, x.agreed, x.from = zone, 1, refTo(h)
		return false
	}
	x.agreed--
	return lag-x.lag < -ahead || lag-x.lag > slow
}

// isOffset reports whether local time can differ so much from UTC; isLag, whether the stamp of an arrival can, too.
func isOffset(d time.Duration) bool { return d >= -12*time.Hour && d <= 14*time.Hour }
func isLag(d time.Duration) bool    { return d >= -12*time.Hour && d <= 14*time.Hour+slow }
