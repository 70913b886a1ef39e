package correlate

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// eximHost is what was learned about an Exim.
type eximHost struct {
	lag    time.Duration // between the second in a message ID and the stamp of its arrival, in quarters of an hour: the zone
	agreed int           // arrivals that had that lag, less those that had not
	from   hopRef        // the arrival that the lag was first seen at
}

// aclText is what an access rule logged of a client whose message is to come.
type aclText struct {
	host *host
	ip   netip.Addr
	pid  int
	at   mail.Instant
	text string // "" once it is given to a message
	was  string
}

// exim handles a line of Exim.
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

// ruled keeps the words of an access rule that name a client, for the message that comes from it.
func (t *Tracker) ruled(q *queue, ev *mail.Event) {
	if ev.Kind != mail.FilterResult || ev.Text == "" || !ev.Client.IP.IsValid() {
		return
	}
	t.texts.put(aclText{host: q.host, ip: ev.Client.IP, pid: ev.PID, at: t.now, text: strings.Clone(ev.Text)})
}

// eximArrival is Exim's <=: the message is in the queue.
func (t *Tracker) eximArrival(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	switch {
	case h == nil || h.state == dead && t.now.Sub(h.died) > late:
		h = t.birth(q, ev, unseen)
	case h.marks&accepted != 0:
		t.stats.Doubtful++ // each ID has exactly one arrival
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

// isReturn reports whether an arrival may be a mail that a filter puts back: from this machine, without a login. A caller
// whom Exim trusts names a protocol of its own (-oMr spam-scanned).
func isReturn(ev *mail.Event) bool {
	if ev.Kind == mail.LocalSubmit {
		return ev.Parent == ""
	}
	return mail.IsInside(ev.Client.IP) && ev.Account == ""
}

// envelope adds the recipients of a "for" list: addresses with a blank between; a quoted local part may hold blanks.
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

// eximNotice decides whether an arrival is a notice: of the null sender, by a local process, and that process is Exim's own
// user, or it is about a mail that has failed recipients to report. R= alone proves nothing: any local user may say
// -f '<>' and -E<id> (src/exim.c), and would be out of every count. So it is believed a few times for each mail only.
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

// mayReport reports whether Exim may be about to tell a sender of this mail's fate.
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

// isEximUser reports whether a user is the one that Exim runs as where it is packaged: upstream, Debian, FreeBSD and
// cPanel, DirectAdmin.
func isEximUser(user string) bool {
	switch user {
	case "exim", "Debian-exim", "mailnull", "mail":
		return true
	}
	return false
}

// acl gives a message the words that access rules logged about its client since the message before. The same words may be
// there once for each recipient: what is more than that belongs to another session of the same client.
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
	slices.Reverse(mine) // the newest came first
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

// eximText is a line with an ID that says nothing of the message's fate: a server that was skipped, words of an access
// rule, a signature. Before the arrival it is kept for it.
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
	if ev.Kind == mail.Header {
		t.header(m, ev)
	} else if ev.Kind == mail.FilterResult && ev.Text != "" {
		m.addText(m.text.keep(ev.Text))
	}
	t.pass(ev)
}

// eximDelivery is => -> >> ** ==.
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
	if ev.Recipient == "" { // blackhole (ACL discarded recipients): all of them
		if ev.Disposition == mail.Discarded {
			h.marks |= discarded
		}
		return
	}
	t.linkDelivery(h, t.outcome(h, ev), ev)
}

// eximEnd is Completed, and what an administrator took away.
func (t *Tracker) eximEnd(q *queue, ev *mail.Event) {
	h := t.find(q, ev.QueueID)
	if h == nil {
		t.unknownEnd(q, ev)
		return
	}
	t.touch(h.message, ev)
	if ev.Kind == mail.Remove && strings.HasPrefix(ev.Text, "rescind") { // 4.98: the arrival did not come about
		h.marks = h.marks&^accepted | refused
		t.end(h, over)
		return
	}
	if ev.Kind == mail.Remove {
		h.marks |= removed
		if h.marks&accepted == 0 {
			h.marks |= delivered
		}
		return // Completed follows, since 4.44
	}
	h.marks |= completed
	t.end(h, dead)
}

// eximState is a message that is frozen, thawed, given up or thrown away.
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
		m.expire(h, ev)
	case mail.Discard:
		h.marks |= discarded
	}
}

// eximReject is a refusal that names an ID. Where the message is not accepted, that ID never becomes one.
func (t *Tracker) eximReject(q *queue, ev *mail.Event) {
	if h := t.find(q, ev.QueueID); h != nil {
		t.touch(h.message, ev)
		if h.marks&accepted == 0 && !ev.Has(mail.WarnOnly) {
			h.marks |= refused
			t.end(h, over)
		}
	}
	t.pass(ev)
}

const (
	quarter = 15 * time.Minute
	// slow is how long a reception may take: longer than any SMTP time-out.
	slow = 6 * time.Hour
	// ahead is how much earlier than its own beginning an arrival may be stamped, clocks being what they are.
	ahead = 2 * time.Minute
)

// contradicts reports whether an arrival's stamp and the second in its ID cannot both be true. Their difference is the
// offset of the log's zone, if that was guessed wrongly, and the time that the reception took. A false line that a line
// feed made (src/dkim.c, src/exim.c) seldom gets both right. Where it is the first one of the log, the next ones tell.
func (t *Tracker) contradicts(on *host, h *hop, ev *mail.Event) bool {
	began, _, ok := parse.EximID(ev.QueueID)
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

// isOffset reports whether a clock on the wall can differ so much from UTC; isLag, whether an arrival's stamp can, too.
func isOffset(d time.Duration) bool { return d >= -12*time.Hour && d <= 14*time.Hour }
func isLag(d time.Duration) bool    { return d >= -12*time.Hour && d <= 14*time.Hour+slow }
