package loggen

import (
	"io"
	"strconv"
)

type exim struct {
	server
	pid uint64
}

func newExim(w io.Writer, o Options) *exim { return &exim{server: newServer(w, o), pid: 4000} }

func (e *exim) bytesPerMessage() int64 { return 780 }

// line begins a line with its stamp.
func (e *exim) line(at int64) *lines {
	l := e.begin(at)
	e.stamp.refresh(at, e.zone, "2006-01-02 ", "")
	l.b = append(l.b, e.stamp.head...)
	l.b = e.stamp.clock(l.b, at)
	return l.c(' ')
}

func (e *exim) messageID(at int64) string {
	e.pid++
	if e.pid > 4_000_000 {
		e.pid = 4000
	}
	e.truth.QueueIDCount++
	return eximID(at, e.pid, e.o.LongIDs)
}

// from writes "H=name (helo) [ip]:port".
func (e *exim) from(l *lines, h *host) *lines {
	l.s("H=")
	if h.name == "unknown" {
		l.c('(').s(h.helo).s(") [")
	} else {
		l.s(h.name)
		if h.helo != h.name {
			l.s(" (").s(h.helo).c(')')
		}
		l.s(" [")
	}
	return l.s(h.ip).s("]:").n(20000 + int(e.Uint32N(40000)))
}

func (e *exim) traffic(at int64) {
	switch u := e.Float64(); {
	case u < 0.66:
		h := e.client()
		e.inbound(at, &h)
	case u < 0.84:
		e.outbound(at, e.user())
	case u < 0.95:
		h := e.client()
		e.refused(at, &h)
	case u < 0.97:
		h := e.client()
		e.guess(at, &h)
	default:
		e.script(at)
	}
}

func (e *exim) inbound(at int64, h *host) {
	e.came(h.ip)
	sender := e.stranger(h.domain)
	if e.chance(0.03) {
		sender = ""
	}
	for messages := 0; messages == 0 || e.chance(0.15); messages++ {
		e.rcpts = append(e.rcpts[:0], e.users[e.user()])
		for e.chance(0.12) && len(e.rcpts) < 20 {
			e.to(e.users[e.user()])
		}
		e.message(at, h, letter{sender: sender, subject: e.subject()})
		at += e.between(40, 900) * millisecond
	}
}

func (e *exim) subject() string { return subjects[e.IntN(len(subjects))] }

func (e *exim) outbound(at int64, user int) {
	h := &e.homes[user]
	e.came(h.ip)
	e.rcpts = e.rcpts[:0]
	for len(e.rcpts) == 0 || e.chance(0.15) && len(e.rcpts) < 20 {
		if e.chance(0.2) {
			e.to(e.users[e.user()])
		} else {
			e.to(e.stranger(e.target().domain))
		}
	}
	e.message(at, h, letter{account: e.users[user], sender: e.users[user], subject: e.subject()})
}

func (e *exim) spam(at int64, r *run) {
	e.came(r.client.ip)
	r.sent(at, 1, e.zone)
	if r.Kind == "account" {
		e.rcpts = append(e.rcpts[:0], e.stranger(e.target().domain))
		e.message(at, &r.client, letter{account: r.Value, sender: r.sender, subject: r.subject, spam: true})
		return
	}
	e.rcpts = append(e.rcpts[:0], e.users[e.user()])
	e.message(at, &r.client, letter{sender: e.stranger(domainOf(e.Uint64())), subject: r.subject})
}

// message writes the arrival of a message by SMTP, and its deliveries.
func (e *exim) message(at int64, h *host, m letter) {
	e.truth.Messages++
	id := e.messageID(at)
	l := e.line(at).s(id).s(" <= ").s(envelope(m.sender)).c(' ')
	e.from(l, h)
	if m.account != "" {
		l.s(" P=esmtpsa X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=no A=plain_server:").s(m.account)
	} else {
		l.s(" P=esmtps X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=no")
	}
	e.tail(l, h.domain, m.subject)
	e.deliver(at, id, m)
}

// tail writes the end of an arrival line: size, Message-ID, subject and recipients.
func (e *exim) tail(l *lines, domain, subject string) {
	if domain == "" {
		domain = localDomains[0]
	}
	l.s(" S=").n(int(e.between(600, 60000))).s(" id=")
	l.b = digitsOf(l.b, e.Uint64(), base62, 62, 10)
	l.c('@').s(domain).s(` T="`).s(subject).s(`" for`)
	for _, rcpt := range e.rcpts {
		l.c(' ').s(rcpt)
	}
	l.end()
}

func envelope(sender string) string {
	if sender == "" {
		return "<>"
	}
	return sender
}

// deliver writes all delivery attempts, the notices to the sender about bounces, and "Completed".
func (e *exim) deliver(at int64, id string, m letter) {
	born := at
	e.line(at).s("cwd=/var/spool/exim4 3 args: /usr/sbin/exim4 -Mc ").s(id).end()
	last := e.draw(m.spam)
	for try := 0; try <= last; try++ {
		if try > 0 {
			at += 900 * second << min(try-1, 3)
		}
		at = e.attempt(at, id, m.sender, try)
	}
	if e.waits {
		return
	}
	l := e.line(at).s(id).s(" Completed")
	if at-born > minute {
		l.s(" QT=").n(int((at - born) / second)).c('s')
	}
	l.end()
}

func (e *exim) attempt(at int64, id, sender string, try int) (end int64) {
	end = at
	failed := false
	flag := " => "
	for i, rcpt := range e.rcpts {
		f := e.fates[i]
		if f.tries < try || f.tries == try && f.end == waiting {
			continue
		}
		t := at + e.between(3, 1500)*millisecond
		switch {
		case local(rcpt):
			e.mailbox(at, id, flag, rcpt, sender)
			t = at
			flag = " -> "
		case f.tries > try:
			e.remote(t, id, rcpt, sender, deferredReply)
		case f.end == delivered:
			e.remote(t, id, rcpt, sender, sentReply)
		default:
			failed = true
			e.remote(t, id, rcpt, sender, bouncedReply)
		}
		end = max(end, t)
	}
	if failed && sender != "" {
		e.notice(end, id, sender)
	}
	return end
}

func (e *exim) mailbox(at int64, id, flag, rcpt, sender string) {
	l := e.line(at).s(id).s(flag)
	for i := range len(rcpt) {
		if rcpt[i] == '@' {
			l.s(rcpt[:i])
			break
		}
	}
	l.s(" <").s(rcpt).s("> F=<").s(sender).s("> R=virtual_user T=virtual_delivery").end()
}

func (e *exim) remote(at int64, id, rcpt, sender string, said reply) {
	h := exchange(rcpt)
	flag := [...]string{sentReply: " => ", deferredReply: " == ", bouncedReply: " ** "}[said]
	l := e.line(at).s(id).s(flag).s(rcpt)
	if said != deferredReply {
		l.s(" F=<").s(sender).c('>')
	}
	l.s(" R=dnslookup T=remote_smtp")
	if said == deferredReply {
		l.s(" defer (-44)")
	}
	l.s(" H=").s(h.name).s(" [").s(h.ip).s("]")
	switch said {
	case sentReply:
		l.s(` X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=yes C="250 2.0.0 Ok: queued as `)
		l.b = digitsOf(l.b, e.Uint64()>>24, hexDigits, 16, 10)
		l.s(`"`)
	case deferredReply:
		l.s(": SMTP error from remote mail server after RCPT TO:<").s(rcpt).s(">: 450 4.7.1 Greylisting in action, please come back later")
	case bouncedReply:
		l.s(": SMTP error from remote mail server after RCPT TO:<").s(rcpt).s(">: 550 5.1.1 User unknown")
	}
	l.end()
}

// notice writes the bounce that goes back to the sender.
func (e *exim) notice(at int64, parent, sender string) {
	e.truth.Notices++
	id := e.messageID(at)
	e.line(at).s(id).s(" <= <> R=").s(parent).s(` U=Debian-exim P=local S=2214 T="Mail delivery failed: returning message to sender" for `).s(sender).end()
	if local(sender) {
		e.mailbox(at, id, " => ", sender, "")
	} else {
		e.remote(at, id, sender, "", sentReply)
	}
	e.line(at).s(id).s(" Completed").end()
}

func (e *exim) refused(at int64, h *host) {
	e.came(h.ip)
	kind := e.IntN(3)
	for times := 0; times == 0 || e.chance(0.2) && times < 4; times++ {
		e.truth.Rejected++
		rcpt := e.users[e.user()]
		l := e.from(e.line(at), h).s(" F=<").s(e.stranger(h.domain))
		switch kind {
		case 0:
			l.s("> rejected RCPT <").s(rcpt).s(">: found in zen.spamhaus.org")
		case 1:
			l.s("> temporarily rejected RCPT <").s(rcpt).s(">: greylisted.")
		default:
			l.s("> rejected RCPT <").s(missing(rcpt)).s(">: Unrouteable address")
		}
		l.end()
		at += e.between(20, 300) * millisecond
	}
}

func (e *exim) guess(at int64, h *host) {
	e.came(h.ip)
	e.truth.FailedLogins++
	l := e.line(at).s("plain_server authenticator failed for (").s(h.helo).s(") [").s(h.ip).s("]:").n(20000 + int(e.Uint32N(40000)))
	l.s(": 535 Incorrect authentication data (set_id=").s(e.users[e.user()]).c(')').end()
}

// script writes mail that a web script hands in.
func (e *exim) script(at int64) {
	e.truth.Messages++
	user := "web" + strconv.Itoa(e.IntN(9))
	e.rcpts = append(e.rcpts[:0], e.users[e.user()])
	e.line(at).s("cwd=/home/").s(user).s("/public_html 3 args: /usr/sbin/sendmail -t -i").end()
	id := e.messageID(at)
	sender := user + "@" + localDomains[0]
	l := e.line(at).s(id).s(" <= ").s(sender).s(" U=").s(user).s(" P=local")
	e.tail(l, "", e.subject())
	e.deliver(at, id, letter{sender: sender})
}

// routine writes a queue run.
func (e *exim) routine(at int64) {
	e.line(at).s("cwd=/ 2 args: /usr/sbin/exim4 -q").end()
	e.line(at).s("Start queue run: pid=").n(int(at / second % 90000)).end()
	e.line(at + 400*millisecond).s("End queue run: pid=").n(int(at / second % 90000)).end()
}
