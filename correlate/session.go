package correlate

import (
	"cmp"
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// sessionKey is what the lines of one SMTP session have in common. Process IDs are reused: a session ends with its disconnect,
// with a new connect of the process, or when there are too many.
type sessionKey struct {
	host *host
	qmqp bool
	pid  int
}

// session is an SMTP session with a client.
type session struct {
	key          sessionKey
	used         bool       // it has had a line
	ip           netip.Addr // of the client
	helo         string
	protocol     string
	tls          string
	hop          *hop // of the last transaction that was begun
	generation   uint32
	verdict      marks    // hold or discard, logged before there was a queue ID: it is for the next transaction
	recipient    string   // whose RCPT led to that verdict
	sender       string   // as that line has it: no further one names it, or none until it is let go
	proxied      *proxied // a transaction that a before-queue filter handles
	lines        []mail.LogLine
	messages     []*message // of this session, if lines are kept
	generations  []uint32
	next         *session // in its bucket
	older, newer *session
}

// proxied is the NOQUEUE client= of a before-queue filter: the real client of the message (smtpd_proxy_filter).
type proxied struct {
	mail.Origin
	line       string
	time       mail.Instant
	client     mail.Client
	flags      mail.Flags
	account    string
	authMethod string
	service    string
}

// sessions are the open sessions, oldest first.
type sessions struct {
	buckets        [4096]*session
	oldest, newest *session
	n              int
	spare          *session
}

// bucket returns the bucket of a process. Process IDs are consecutive, so they need no hash.
func (ss *sessions) bucket(pid int) **session {
	return &ss.buckets[uint(pid)%uint(len(ss.buckets))]
}

func (ss *sessions) find(key sessionKey) *session {
	s := *ss.bucket(key.pid)
	for s != nil && s.key != key {
		s = s.next
	}
	return s
}

func (ss *sessions) add(s *session) {
	b := ss.bucket(s.key.pid)
	s.next, *b = *b, s
	s.older = ss.newest
	if ss.newest != nil {
		ss.newest.newer = s
	} else {
		ss.oldest = s
	}
	ss.newest = s
	ss.n++
}

func (ss *sessions) remove(s *session) {
	b := ss.bucket(s.key.pid)
	for *b != s {
		b = &(*b).next
	}
	*b = s.next
	if s.older != nil {
		s.older.newer = s.newer
	} else {
		ss.oldest = s.newer
	}
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		ss.newest = s.older
	}
	ss.n--
	*s = session{next: ss.spare}
	ss.spare = s
}

// maxSessions is more than any smtpd_client_connection_count_limit allows a host.
const maxSessions = 1 << 15

const maxSessionLines = 32

// takesMail reports whether a Postfix daemon is an SMTP server with a process for each session. One process of postscreen serves
// all clients.
func takesMail(daemon string) bool { return daemon == "smtpd" || daemon == "qmqpd" }

// sessionOf returns the session that a line belongs to; nil: the line has no PID. If the connect is missing, the session begins
// with this line.
func (t *Tracker) sessionOf(q *queue, ev *mail.Event) *session {
	if ev.PID == 0 || !takesMail(ev.Daemon) {
		return nil
	}
	s := t.sessions.find(sessionKey{q.host, ev.Daemon == "qmqpd", ev.PID})
	if s == nil {
		s = t.openSession(q, ev)
	}
	return s
}

func (t *Tracker) openSession(q *queue, ev *mail.Event) *session {
	ss := &t.sessions
	if ss.n >= maxSessions {
		t.stats.Cut++
		t.closeSession(ss.oldest)
	}
	s := ss.spare
	if s == nil {
		s = &session{}
	} else {
		ss.spare, s.next = s.next, nil
	}
	s.key = sessionKey{q.host, ev.Daemon == "qmqpd", ev.PID}
	s.ip = ev.Client.IP
	ss.add(s)
	return s
}

// closeSession ends a session. A transaction that got no further than its queue ID was cancelled.
func (t *Tracker) closeSession(s *session) {
	t.endTransaction(s)
	t.sessions.remove(s)
}

// endTransaction decides what became of the last transaction. A Message-ID shows that the client has sent the content; whether
// that was accepted only the queue manager shows, perhaps much later: such a hop stays as it is. Without a Message-ID it was
// cancelled, which no line says before Postfix 3.10.
func (t *Tracker) endTransaction(s *session) {
	if h := s.takeOpenHop(); h != nil && h.marks&named == 0 {
		t.cancel(h)
	}
}

// cutTransaction ends the last transaction whose content was cut off: it was cancelled, even if its Message-ID came.
func (t *Tracker) cutTransaction(s *session) {
	if h := s.takeOpenHop(); h != nil {
		t.cancel(h)
	}
}

// takeOpenHop takes the hop of the last transaction from its session; nil: it has none, or what became of it is known.
func (s *session) takeOpenHop() *hop {
	h := s.hop
	s.hop = nil
	if h == nil || h.generation != s.generation || h.state != receiving || h.marks&(accepted|delivered|held|discarded) != 0 {
		return nil
	}
	return h
}

func (t *Tracker) cancel(h *hop) {
	h.marks |= cancelled
	t.end(h, over)
}

// inSession handles what a line of an SMTP server says of its session.
func (t *Tracker) inSession(q *queue, ev *mail.Event) {
	s := t.sessionOf(q, ev)
	if s == nil {
		return
	}
	if ev.Kind == mail.Connect && s.used {
		t.closeSession(s) // its end was not logged, because the process was killed, or the line lost
		s = t.openSession(q, ev)
	}
	s.used = true
	if t.options.KeepLines {
		t.keepSessionLine(s, ev)
	}
	switch ev.Kind {
	case mail.Connect: // names neither HELO nor protocol, as the next two
	case mail.TLS:
		s.tls = t.names.get(ev.TLS)
	case mail.Disconnect:
		t.disconnect(s, ev)
	case mail.Hold:
		s.decide(held, ev)
	case mail.Discard:
		s.decide(discarded, ev)
	case mail.Accept:
		s.note(ev)
		t.proxy(s, ev)
	default:
		s.note(ev)
	}
}

// decide keeps a verdict on the next transaction.
func (s *session) decide(verdict marks, ev *mail.Event) {
	s.note(ev)
	s.verdict |= verdict
	s.recipient, s.sender = strings.Clone(ev.Recipient), strings.Clone(ev.Sender)
}

// note keeps what a line says of the client.
func (s *session) note(ev *mail.Event) {
	if helo := ev.Client.HELO; helo != "" && helo != s.helo {
		s.helo = strings.Clone(helo)
	}
	if ev.Protocol != "" && ev.Protocol != s.protocol {
		s.protocol = strings.Clone(ev.Protocol)
	}
}

// disconnect handles the end of a session. "lost connection after DATA" and the like have a Stage, and a disconnect without one
// follows.
func (t *Tracker) disconnect(s *session, ev *mail.Event) {
	switch ev.Stage {
	case "":
		t.closeSession(s)
	case "DATA", "BDAT":
		t.cutTransaction(s)
	default:
		t.endTransaction(s)
	}
}

// begin ties a new transaction to its session.
func (t *Tracker) begin(s *session, h *hop, ev *mail.Event) {
	if s == nil {
		return
	}
	t.endTransaction(s)
	if s.ip.IsValid() && s.ip != ev.Client.IP {
		s.helo, s.protocol, s.tls = "", "", "" // they are another client's, whose disconnect was not logged
	}
	s.ip = ev.Client.IP
	s.hop, s.generation = h, h.generation
	m := h.message
	m.Client.HELO = s.helo
	if m.Protocol == "" {
		m.Protocol = s.protocol
	}
	if m.TLS == "" {
		m.TLS = s.tls
	}
	if s.verdict != 0 {
		h.marks |= s.verdict
		t.tellRecipient(h, s.recipient, s.verdict, ev)
		m.Sender = cmp.Or(m.Sender, m.text.keep(s.sender))
		if s.verdict&discarded != 0 { // the message does not get into the queue
			h.marks |= completed
			t.end(h, over)
		}
		s.verdict = 0
	}
	if t.options.KeepLines {
		m.Lines = append(m.Lines, s.lines...)
		if len(s.messages) < maxSessionLines {
			s.messages, s.generations = append(s.messages, m), append(s.generations, m.generation)
		} else {
			t.stats.Cut++ // the line that ends the session
		}
	}
}

// keepSessionLine keeps a line of the session for the messages that follow in it, and adds the end of the session to those that
// came before.
func (t *Tracker) keepSessionLine(s *session, ev *mail.Event) {
	if ev.Kind == mail.Disconnect {
		for i, m := range s.messages {
			for m.joined && m.generation == s.generations[i] {
				m = m.first.message
			}
			if m.generation == s.generations[i] || m != s.messages[i] {
				t.keepLine(m, ev)
			}
		}
		return
	}
	if len(s.lines) >= maxSessionLines {
		t.stats.Cut++
		return
	}
	s.lines = append(s.lines, mail.LogLine{Origin: ev.Origin, Time: ev.Time, Text: strings.Clone(ev.Raw)})
}

// proxy notes the client of a transaction that a before-queue filter handles.
func (t *Tracker) proxy(s *session, ev *mail.Event) {
	c := ev.Client
	c.Name, c.HELO = t.names.get(c.Name), s.helo
	s.proxied = &proxied{
		Origin: ev.Origin, line: strings.Clone(ev.Raw), time: ev.Time, client: c, flags: ev.Flags,
		account: t.names.get(ev.Account), authMethod: t.names.get(ev.AuthMethod), service: t.names.get(ev.Service),
	}
}

// proxyAccepted gives the real client to the message that the filter handed over: "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok:
// queued as C4B24E3" (smtpd/smtpd_proxy.c).
func (t *Tracker) proxyAccepted(q *queue, s *session, ev *mail.Event) {
	if s == nil || s.proxied == nil {
		return
	}
	h := t.findOn(q.host, ev.Child)
	if of := t.ofTask(q.host, ev.Child); h == nil && len(of) > 0 {
		h = of[0]
		for _, other := range of[1:] { // the filter made several messages of one
			if other.marks&mayReturn != 0 && t.mayFollow(h.message, other) {
				t.join(h, other, reinjected, nil)
			}
		}
	}
	if h == nil || h.message.hops[0] != h || !mail.IsInside(h.message.Client.IP) {
		return
	}
	p, m := s.proxied, h.message
	s.proxied = nil
	m.Origin, m.Line, m.Time = p.Origin, p.line, p.time
	m.Client, m.Account, m.AuthMethod, m.Service = p.client, p.account, p.authMethod, p.service
	m.Flags = m.Flags&^mail.Verified | p.flags&mail.Verified
	m.TLS, m.Protocol = s.tls, s.protocol
	m.Client.HELO = cmp.Or(m.Client.HELO, s.helo)
	h.marks &^= mayReturn
}

// byProxy adds the client of the session to what a before-queue filter refused: "proxy-reject: END-OF-MESSAGE: 554 …" names none
// (smtpd/smtpd_proxy.c). The event itself belongs to the caller, and is not changed.
func (t *Tracker) byProxy(q *queue, ev *mail.Event) *mail.Event {
	if ev.Client.IP.IsValid() {
		return ev
	}
	s := t.sessionOf(q, ev)
	if s == nil || s.proxied == nil {
		return ev
	}
	p, of := s.proxied, *ev
	of.Client = p.client
	of.Client.HELO = cmp.Or(ev.Client.HELO, p.client.HELO)
	of.Account = cmp.Or(ev.Account, p.account)
	of.Flags |= p.flags & mail.Verified
	return &of
}
