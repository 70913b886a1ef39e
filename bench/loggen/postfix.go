package loggen

import (
	"io"
	"strconv"
)

type postfix struct {
	server
	smtpd      pool
	submission pool
	inode      uint64

	cleanup, qmgr, smtp int // PIDs; of cleanup and smtp the first of several
}

func newPostfix(w io.Writer, o Options) *postfix {
	return &postfix{server: newServer(w, o), smtpd: newPool(20100, 60), submission: newPool(31000, 20), cleanup: 20500, qmgr: 1204, smtp: 22000}
}

func (p *postfix) bytesPerMessage() int64 { return 1150 }

// pool is the processes of a service. Each serves one session at a time, and is replaced after a hundred (max_use).
type pool struct {
	pid   []int   // by slot
	until []int64 // by slot: when its session ends
	used  []int   // by slot: sessions so far
	at    int     // the slot that was taken last
	next  int     // the last PID given to a new process
}

func newPool(first, size int) pool {
	p := pool{pid: make([]int, size), until: make([]int64, size), used: make([]int, size), next: first + size}
	for i := range p.pid {
		p.pid[i] = first + i
	}
	return p
}

// take returns the slot of an idle process; if there is none, the next slot in turn.
func (p *pool) take(at int64) int {
	for range p.pid {
		p.at = (p.at + 1) % len(p.pid)
		if p.until[p.at] <= at {
			break
		}
	}
	if p.used[p.at]++; p.used[p.at] > 100 {
		p.next++
		p.pid[p.at], p.used[p.at] = p.next, 1
	}
	return p.at
}

// tag begins a line: stamp, host, "postfix/daemon[pid]: ".
func (p *postfix) tag(at int64, daemon string, pid int) *lines {
	l := p.begin(at)
	if p.o.RFC3339 {
		p.stamp.refresh(at, p.zone, "2006-01-02T", "-07:00")
		l.b = append(l.b, p.stamp.head...)
		l.b = append(p.stamp.clock(l.b, at), '.')
		l.b = append(micros(l.b, at), p.stamp.tail...)
	} else {
		p.stamp.refresh(at, p.zone, "Jan _2 ", "")
		l.b = append(l.b, p.stamp.head...)
		l.b = p.stamp.clock(l.b, at)
	}
	return l.c(' ').s(p.o.Host).c(' ').s(daemon).c('[').n(pid).s("]: ")
}

func (p *postfix) queueID(at int64) string {
	p.inode++
	p.truth.QueueIDCount++
	return postfixID(at, 0x1a000+p.inode%0x1ffff, p.o.LongIDs)
}

func (l *lines) peer(h *host) *lines { return l.s(h.name).c('[').s(h.ip).c(']') }

func (p *postfix) traffic(at int64) {
	switch u := p.Float64(); {
	case u < 0.52:
		h := p.client()
		p.inbound(at, &h, p.more())
	case u < 0.66:
		p.outbound(at, p.user())
	case u < 0.82:
		h := p.client()
		p.refused(at, &h)
	case u < 0.86:
		h := p.client()
		p.guess(at, &h)
	case u < 0.985:
		p.login(at, p.user())
	default:
		p.script(at)
	}
}

// more draws how many messages a session carries.
func (p *postfix) more() int {
	if p.chance(0.85) {
		return 1
	}
	return int(p.between(2, 4))
}

// inbound writes a session of a stranger with mail for us.
func (p *postfix) inbound(at int64, h *host, messages int) {
	p.came(h.ip)
	slot := p.smtpd.take(at)
	pid := p.smtpd.pid[slot]
	t := p.connect(at, "postfix/smtpd", pid, h)
	sender := p.stranger(h.domain)
	if p.chance(0.03) {
		sender = ""
	}
	rcpts := 0
	for range messages {
		p.rcpts = p.rcpts[:0]
		p.to(p.users[p.user()])
		for p.chance(0.12) && len(p.rcpts) < 20 {
			p.to(p.users[p.user()])
		}
		rcpts += len(p.rcpts)
		t = p.message(t, "postfix/smtpd", pid, h, letter{sender: sender, size: p.between(900, 60000)})
	}
	p.disconnect(t, "postfix/smtpd", pid, h, "", messages, rcpts)
	p.smtpd.until[slot] = t + second
}

// outbound writes a session of one of our users.
func (p *postfix) outbound(at int64, user int) {
	h := &p.homes[user]
	p.came(h.ip)
	p.rcpts = p.rcpts[:0]
	for len(p.rcpts) == 0 || p.chance(0.15) && len(p.rcpts) < 20 {
		if p.chance(0.2) {
			p.to(p.users[p.user()])
		} else {
			p.to(p.stranger(p.target().domain))
		}
	}
	p.submit(at, h, letter{account: p.users[user], sender: p.users[user]})
}

// submit writes a session in which a message is handed in with a login.
func (p *postfix) submit(at int64, h *host, m letter) {
	slot := p.submission.take(at)
	pid := p.submission.pid[slot]
	rcpts := len(p.rcpts)
	t := p.connect(at, "postfix/submission/smtpd", pid, h)
	m.size = p.between(900, 60000)
	t = p.message(t, "postfix/submission/smtpd", pid, h, m)
	p.disconnect(t, "postfix/submission/smtpd", pid, h, "auth=1 ", 1, rcpts)
	p.submission.until[slot] = t + second
}

func (p *postfix) spam(at int64, r *run) {
	p.came(r.client.ip)
	p.rcpts = p.rcpts[:0]
	r.sent(at, 1, p.zone)
	if r.Kind == "account" {
		p.to(p.stranger(p.target().domain))
		p.submit(at, &r.client, letter{account: r.Value, sender: r.sender, spam: true})
		return
	}
	p.to(p.users[p.user()])
	slot := p.smtpd.take(at)
	pid := p.smtpd.pid[slot]
	t := p.connect(at, "postfix/smtpd", pid, &r.client)
	t = p.message(t, "postfix/smtpd", pid, &r.client, letter{sender: p.stranger(domainOf(p.Uint64())), size: p.between(900, 6000)})
	p.disconnect(t, "postfix/smtpd", pid, &r.client, "", 1, 1)
	p.smtpd.until[slot] = t + second
}

// connect writes the beginning of a session, and returns when it is done.
func (p *postfix) connect(at int64, daemon string, pid int, h *host) int64 {
	p.tag(at, daemon, pid).s("connect from ").peer(h).end()
	at += p.between(15, 90) * millisecond
	if p.chance(0.8) {
		p.tag(at, daemon, pid).s("Anonymous TLS connection established from ").peer(h).
			s(": TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256").end()
		at += p.between(5, 60) * millisecond
	}
	return at
}

func (p *postfix) disconnect(at int64, daemon string, pid int, h *host, auth string, messages, rcpts int) {
	at += p.between(1, 30) * millisecond
	l := p.tag(at, daemon, pid).s("disconnect from ").peer(h).s(" ehlo=2 starttls=1 ").s(auth).s("mail=").n(messages)
	l.s(" rcpt=").n(rcpts).s(" data=").n(messages).s(" quit=1 commands=").n(4 + 2*messages + rcpts + len(auth)/7).end()
}

// message writes the life of a message that a client hands in, and returns when the client is done with it.
func (p *postfix) message(at int64, daemon string, pid int, h *host, m letter) int64 {
	at += p.between(2, 30) * millisecond
	id := p.queueID(at)
	p.truth.Messages++
	l := p.tag(at, daemon, pid).s(id).s(": client=").peer(h)
	if m.account != "" {
		l.s(", sasl_method=PLAIN, sasl_username=").s(m.account)
	}
	l.end()
	m.domain = h.domain
	return p.queued(at, id, m)
}

// queued writes the life of a message from cleanup on, and returns when cleanup is done.
func (p *postfix) queued(at int64, id string, m letter) int64 {
	born := at
	at += p.between(1, 40) * millisecond
	messageID := p.messageID(m.domain)
	p.tag(at, "postfix/cleanup", p.cleanup+int(at/minute%7)).s(id).s(": message-id=<").s(messageID).s(">").end()
	at += p.between(1, 200) * millisecond
	p.active(at, id, m.sender, m.size, len(p.rcpts))
	if p.o.Filter {
		p.filter(at, born, id, messageID, m)
	} else {
		p.deliver(at, born, id, m)
	}
	return at
}

func (p *postfix) active(at int64, id, sender string, size int64, rcpts int) {
	p.tag(at, "postfix/qmgr", p.qmgr).s(id).s(": from=<").s(sender).s(">, size=").n(int(size)).s(", nrcpt=").n(rcpts).s(" (queue active)").end()
}

func (p *postfix) messageID(domain string) string {
	if domain == "" {
		domain = localDomains[0]
	}
	b := digitsOf(make([]byte, 0, 48), p.Uint64(), base62, 62, 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, p.between(1000, 99999), 10)
	return string(append(append(b, '@'), domain...))
}

// filter writes the hop through a content filter, and the life of the message after it, under a second queue ID.
func (p *postfix) filter(at, born int64, id, messageID string, m letter) {
	back := &host{name: "localhost", ip: "127.0.0.1"}
	pid := 40000 + int(at/second%20)
	t := at + p.between(50, 900)*millisecond
	p.tag(t, "postfix/10025/smtpd", pid).s("connect from ").peer(back).end()
	t += 2 * millisecond
	second := p.queueID(t)
	p.tag(t, "postfix/10025/smtpd", pid).s(second).s(": client=").peer(back).end()
	reborn := t
	t += millisecond
	p.tag(t, "postfix/cleanup", p.cleanup).s(second).s(": message-id=<").s(messageID).s(">").end()
	t += millisecond
	p.active(t, second, m.sender, m.size+300, len(p.rcpts))
	p.tag(t, "postfix/10025/smtpd", pid).s("disconnect from ").peer(back).s(" ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5").end()
	done := t + 3*millisecond
	for _, rcpt := range p.rcpts {
		l := p.tag(done, "postfix/amavis/smtp", p.smtp+91).s(id).s(": to=<").s(rcpt).s(">, relay=127.0.0.1[127.0.0.1]:10024")
		p.delays(l, done-born).s(", dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as ").s(second).s(")").end()
	}
	p.tag(done+millisecond, "postfix/qmgr", p.qmgr).s(id).s(": removed").end()
	p.deliver(t, reborn, second, m)
}

// deliver writes all delivery attempts, the notices to the sender about bounces, and the removal from the queue.
func (p *postfix) deliver(at, born int64, id string, m letter) {
	last := p.draw(m.spam)
	for try := 0; try <= last; try++ {
		if try > 0 {
			at += 300 * second << min(try-1, 3)
			p.active(at, id, m.sender, m.size, len(p.rcpts))
		}
		at = p.attempt(at, born, id, m.sender, try)
	}
	if !p.waits {
		p.tag(at+millisecond, "postfix/qmgr", p.qmgr).s(id).s(": removed").end()
	}
}

// attempt writes one delivery attempt for the recipients that are still due, and returns when it is over.
func (p *postfix) attempt(at, born int64, id, sender string, try int) (end int64) {
	end = at
	failed := false
	for i, rcpt := range p.rcpts {
		f := p.fates[i]
		if f.tries < try || f.tries == try && f.end == waiting {
			continue
		}
		t := at + p.between(4, 700)*millisecond
		switch {
		case local(rcpt):
			p.mailbox(t, t-born, id, rcpt)
		case f.tries > try:
			p.remote(t, t-born, id, rcpt, deferredReply)
		case f.end == delivered:
			p.remote(t, t-born, id, rcpt, sentReply)
		default:
			failed = true
			p.remote(t, t-born, id, rcpt, bouncedReply)
		}
		end = max(end, t)
	}
	if failed && sender != "" {
		p.notice(end+millisecond, id, sender)
	}
	return end
}

// mailbox writes a delivery on this host.
func (p *postfix) mailbox(at, delay int64, id, rcpt string) {
	l := p.tag(at, "postfix/virtual", 20800+int(at/minute%5)).s(id).s(": to=<").s(rcpt).s(">, relay=virtual")
	p.delays(l, delay).s(", dsn=2.0.0, status=sent (delivered to maildir)").end()
}

// remote writes a delivery attempt at another host.
func (p *postfix) remote(at, delay int64, id, rcpt string, said reply) {
	h := exchange(rcpt)
	l := p.tag(at, "postfix/smtp", p.smtp+int(at/second%30)).s(id).s(": to=<").s(rcpt).s(">, relay=").peer(&h).s(":25")
	p.delays(l, delay)
	switch said {
	case sentReply:
		l.s(", dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as ")
		l.b = digitsOf(l.b, p.Uint64()>>24, hexDigits, 16, 10)
		l.s(")")
	case deferredReply:
		l.s(", dsn=4.7.1, status=deferred (host ").peer(&h).s(" said: 450 4.7.1 Greylisting in action, please come back later (in reply to RCPT TO command))")
	case bouncedReply:
		l.s(", dsn=5.1.1, status=bounced (host ").peer(&h).s(" said: 550 5.1.1 <").s(rcpt).s(">: Recipient address rejected: User unknown (in reply to RCPT TO command))")
	}
	l.end()
}

// delays writes the delay and its four parts (before the queue manager, in it, connecting, sending).
func (p *postfix) delays(l *lines, delay int64) *lines {
	l.s(", delay=").hundredths(delay).s(", delays=").hundredths(delay / 3).s("/0.01/").hundredths(delay / 5).c('/').hundredths(delay / 2)
	return l
}

// hundredths writes a duration as seconds: with hundredths below ten seconds, whole seconds from there.
func (l *lines) hundredths(d int64) *lines {
	if d >= 10*second {
		return l.n(int(d / second))
	}
	cents := int(d / (10 * millisecond))
	l.n(cents / 100)
	if cents%100 == 0 {
		return l
	}
	l.c('.').c(digit(cents / 10 % 10))
	if cents%10 != 0 {
		l.c(digit(cents % 10))
	}
	return l
}

// notice writes the bounce that goes back to the sender.
func (p *postfix) notice(at int64, parent, sender string) {
	p.truth.Notices++
	id := p.queueID(at)
	p.tag(at, "postfix/cleanup", p.cleanup).s(id).s(": message-id=<").s(p.messageID(p.o.Host + ".example")).s(">").end()
	p.tag(at+millisecond, "postfix/bounce", 23000).s(parent).s(": sender non-delivery notification: ").s(id).end()
	p.active(at+2*millisecond, id, "", 3120, 1)
	t := at + p.between(5, 400)*millisecond
	if local(sender) {
		p.mailbox(t, t-at, id, sender)
	} else {
		p.remote(t, t-at, id, sender, sentReply)
	}
	p.tag(t+millisecond, "postfix/qmgr", p.qmgr).s(id).s(": removed").end()
}

// refused writes a session in which all recipients are refused.
func (p *postfix) refused(at int64, h *host) {
	p.came(h.ip)
	slot := p.smtpd.take(at)
	pid := p.smtpd.pid[slot]
	p.tag(at, "postfix/smtpd", pid).s("connect from ").peer(h).end()
	t := at
	kind, times := p.IntN(3), 1
	if p.chance(0.2) {
		times = int(p.between(2, 4))
	}
	for range times {
		t += p.between(20, 300) * millisecond
		p.truth.Rejected++
		rcpt := p.users[p.user()]
		l := p.tag(t, "postfix/smtpd", pid).s("NOQUEUE: reject: RCPT from ").peer(h)
		switch kind {
		case 0:
			l.s(": 554 5.7.1 Service unavailable; Client host [").s(h.ip).s("] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/").s(h.ip)
		case 1:
			l.s(": 450 4.2.0 <").s(rcpt).s(">: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.html")
		default:
			rcpt = missing(rcpt)
			l.s(": 550 5.1.1 <").s(rcpt).s(">: Recipient address rejected: User unknown in virtual mailbox table")
		}
		l.s("; from=<").s(p.stranger(h.domain)).s("> to=<").s(rcpt).s("> proto=ESMTP helo=<").s(h.helo).s(">").end()
	}
	p.tag(t+20*millisecond, "postfix/smtpd", pid).s("disconnect from ").peer(h).s(" ehlo=1 mail=1 rcpt=0/").n(times).s(" quit=1 commands=3/").n(3 + times).end()
	p.smtpd.until[slot] = t + second
}

// guess writes a session with a failed login.
func (p *postfix) guess(at int64, h *host) {
	p.came(h.ip)
	p.truth.FailedLogins++
	slot := p.smtpd.take(at)
	pid := p.smtpd.pid[slot]
	p.tag(at, "postfix/smtpd", pid).s("connect from ").peer(h).end()
	p.tag(at+2*second, "postfix/smtpd", pid).s("warning: ").peer(h).s(": SASL LOGIN authentication failed: UGFzc3dvcmQ6").end()
	p.tag(at+2*second+80*millisecond, "postfix/smtpd", pid).s("disconnect from ").peer(h).s(" ehlo=1 auth=0/1 rset=1 quit=1 commands=3/4").end()
	p.smtpd.until[slot] = at + 3*second
}

// login writes a user who reads mail.
func (p *postfix) login(at int64, user int) {
	p.truth.Logins++
	h, account := &p.homes[user], p.users[user]
	session := digitsOf(nil, p.Uint64(), base62, 62, 11)
	p.dovecot(at).s("imap-login: Login: user=<").s(account).s(">, method=PLAIN, rip=").s(h.ip).s(", lip=198.51.100.5, mpid=").n(int(at / second % 30000)).s(", TLS, session=<").s(string(session)).s(">").end()
	p.dovecot(at + p.between(1, 900)*second).s("imap(").s(account).s(")<").n(int(at / second % 30000)).s("><").s(string(session)).
		s(">: Disconnected: Logged out in=98 out=1011 deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0").end()
}

func (p *postfix) dovecot(at int64) *lines {
	l := p.tag(at, "dovecot", 0)
	l.b = append(l.b[:len(l.b)-len("[0]: ")], ": "...)
	return l
}

// script writes mail that a web script hands in.
func (p *postfix) script(at int64) {
	id := p.queueID(at)
	p.truth.Messages++
	p.rcpts = append(p.rcpts[:0], p.users[p.user()])
	p.tag(at, "postfix/pickup", 20050).s(id).s(": uid=33 from=<www-data>").end()
	p.queued(at, id, letter{sender: "www-data@" + localDomains[0], size: p.between(400, 3000)})
}

// routine writes anvil's report.
func (p *postfix) routine(at int64) {
	when := string(p.stamp.clock(nil, at-40*second))
	p.tag(at, "postfix/anvil", 20051).s("statistics: max connection rate 4/60s for (smtp:192.0.2.17) at Mar  1 ").s(when).end()
	p.tag(at, "postfix/anvil", 20051).s("statistics: max cache size 12 at Mar  1 ").s(when).end()
}
