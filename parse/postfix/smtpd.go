package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// smtpd parses the lines of the SMTP server (smtpd/smtpd.c) and of qmqpd.
func smtpd(body string, ev *mail.Event) parse.Verdict {
	// Cut like this, neither word costs the lines much that begin with none of them.
	kind, rest := mail.Connect, body
	if after, ok := strings.CutPrefix(body, "dis"); ok {
		kind, rest = mail.Disconnect, after
	}
	if rest, ok := strings.CutPrefix(rest, "connect"); ok {
		if client, ok := strings.CutPrefix(rest, " from "); ok {
			return session(kind, client, ev)
		}
	}
	if v := tls(body, ev); v != parse.Unfamiliar {
		return v
	}
	if id, rest, ok := cutID(body); ok {
		if v := transaction(id, rest, ev); v != parse.Unfamiliar {
			return v
		}
	}
	if v := interrupted(body, ev); v != parse.Unfamiliar {
		return v
	}
	return encounter(body, ev)
}

// session parses the first and the last line of a session. Since 3.0, the last one counts the commands: "ehlo=1 auth=0/3 …
// commands=6/12"; with a slash, some were refused.
func session(kind mail.Kind, client string, ev *mail.Event) parse.Verdict {
	rest, ok := cutClient(client, ev)
	if !ok {
		return parse.Damaged
	}
	ev.Kind, ev.Text = kind, strings.TrimPrefix(rest, " ")
	return parse.Parsed
}

// transaction parses the lines that begin with a queue ID or NOQUEUE.
func transaction(id, rest string, ev *mail.Event) parse.Verdict {
	if client, ok := strings.CutPrefix(rest, "client="); ok {
		setID(id, ev)
		return accept(client, ev)
	}
	if v := action(id, rest, ev); v != parse.Unfamiliar {
		return v
	}
	if v := interrupted(rest, ev); v != parse.Unfamiliar {
		setID(id, ev)
		return v
	}
	if v := proxy(rest, ev); v != parse.Unfamiliar { // in old logs
		setID(id, ev)
		return v
	}
	switch {
	case strings.HasPrefix(rest, "reply filter "): // 3.11: "reply filter in: …", "… out: …"
		setID(id, ev)
		return remark(rest, ev)
	case ev.Daemon == "qmqpd": // QID: NA: timeout while receiving message
		if text, ok := cutClient(rest, ev); ok && strings.HasPrefix(text, ": ") {
			setID(id, ev)
			ev.Kind, ev.Text = mail.Disconnect, text[2:]
			return parse.Parsed
		}
	}
	return parse.Unfamiliar
}

// accept parses what follows "client=". The fields are cut from the left, each once and in the order in which smtpd writes them,
// because all except the client may contain text of the client's choice.
func accept(s string, ev *mail.Event) parse.Verdict {
	s, ok := cutClient(s, ev)
	if !ok {
		return parse.Damaged
	}
	ev.Kind = mail.Accept
	if s == "" {
		return parse.Parsed
	}
	ev.AuthMethod, s = cutField(s, ", sasl_method=")
	ev.Account, s = cutField(s, ", sasl_username=")
	s = skipSASLSender(s)
	ev.Child, s = cutField(s, ", orig_queue_id=")
	ev.Text, s = cutField(s, ", orig_client=")
	if s != "" {
		ev.Flags |= mail.Incomplete
	}
	return parse.Parsed
}

// acceptFields are the fields of a client= line, in their order.
var acceptFields = [...]string{", sasl_method=", ", sasl_username=", ", sasl_sender=", ", orig_queue_id=", ", orig_client="}

// cutField cuts the field off the front of s, up to the next one that may follow.
func cutField(s, key string) (value, rest string) {
	value, ok := strings.CutPrefix(s, key)
	if !ok {
		return "", s
	}
	for from := 0; ; {
		i := strings.Index(value[from:], ", ")
		if i < 0 {
			return value, ""
		}
		if from += i; fieldFollows(value[from:], key) {
			return value[:from], value[from:]
		}
		from++
	}
}

// fieldFollows reports whether s begins with a field that may follow key, itself one of the fields.
func fieldFollows(s, key string) bool {
	for i := len(acceptFields) - 1; acceptFields[i] != key; i-- {
		if strings.HasPrefix(s, acceptFields[i]) {
			return true
		}
	}
	return false
}

// skipSASLSender skips sasl_sender=, which any client may set with "MAIL FROM:<> AUTH=…", and which proves nothing. A quote or an
// angle bracket in it opens a region that may contain blanks and commas, up to its closer; the server does not insist on the
// closer (smtpd/smtpd_token.c), so a region without one takes the rest of the line.
func skipSASLSender(s string) string {
	value, ok := strings.CutPrefix(s, ", sasl_sender=")
	if !ok {
		return s
	}
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"', '<':
			i = region(value, i)
		case ',':
			if strings.HasPrefix(value[i:], ", orig_queue_id=") || strings.HasPrefix(value[i:], ", orig_client=") {
				return value[i:]
			}
		}
	}
	return ""
}

// region returns the index of the byte that closes the region opened at i, or the length of s.
func region(s string, i int) int {
	shut := s[i]
	if shut == '<' {
		shut = '>'
	}
	for i++; i < len(s) && s[i] != shut; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i
}

// troubles are what ends a session, or its transaction, unexpectedly.
var troubles = [...]string{"lost connection", "timeout", "too many errors", "bare <LF> received"}

// trouble cuts what went wrong, and " after ", off the front.
func trouble(body string) (what, rest string, ok bool) {
	for _, what := range troubles {
		if rest, ok := strings.CutPrefix(body, what); ok {
			rest, ok = strings.CutPrefix(rest, " after ")
			return body[:len(what)], rest, ok
		}
	}
	return "", body, false
}

// interrupted parses "lost connection after STAGE from NA", "timeout after …" and the like. The stage may be followed by the
// number of bytes of the content that had come.
func interrupted(body string, ev *mail.Event) parse.Verdict {
	what, stage, ok := trouble(body)
	if !ok {
		return parse.Unfamiliar
	}
	stage, rest, ok := strings.Cut(stage, " ")
	if !ok {
		return parse.Damaged
	}
	var size int64
	if bytes, ok := strings.CutPrefix(rest, "("); ok {
		size, _, _ = cutNumber(strings.TrimPrefix(bytes, "approximately "))
		_, rest, _ = strings.Cut(bytes, ") ")
	}
	rest, ok = strings.CutPrefix(rest, "from ")
	if !ok {
		return parse.Damaged
	}
	if _, ok = cutClient(rest, ev); !ok {
		return parse.Damaged
	}
	ev.Kind, ev.Stage, ev.Text, ev.Size = mail.Disconnect, stage, what, size
	return parse.Parsed
}

// encounter parses the other lines of a session.
func encounter(body string, ev *mail.Event) parse.Verdict {
	if after, ok := strings.CutPrefix(body, "improper command pipelining after "); ok {
		stage, rest, _ := strings.Cut(after, " ")
		if _, ok := cutClient(strings.TrimPrefix(rest, "from "), ev); !ok {
			return parse.Damaged
		}
		ev.Stage = stage
		return warn(body, ev)
	}
	if rest, ok := strings.CutPrefix(body, "SSL_accept error"); ok {
		if _, ok := cutFrom(rest, ev); !ok {
			return parse.Damaged
		}
		return warn(body, ev)
	}
	if client, ok := uncertified(body); ok {
		cutClient(client, ev)
		return warn(body, ev)
	}
	if v := proxy(body, ev); v != parse.Unfamiliar {
		return v
	}
	if strings.HasPrefix(body, "reject: ") { // before 2.0: without a queue ID
		return action(noQueue, body, ev)
	}
	if rest, ok := cutClient(body, ev); ok && strings.HasPrefix(rest, ": replacing command ") {
		return remark(body, ev)
	}
	return parse.Unfamiliar
}

// proxy parses the reply of a before-queue filter (smtpd/smtpd_proxy.c): the lines have neither client nor queue ID, which are
// those of the session.
func proxy(body string, ev *mail.Event) parse.Verdict {
	rest, accepted := strings.CutPrefix(body, "proxy-accept: ")
	if !accepted {
		var ok bool
		if rest, ok = strings.CutPrefix(body, "proxy-reject: "); !ok {
			return parse.Unfamiliar
		}
	}
	stage, rest, ok := strings.Cut(rest, ": ")
	if !ok {
		return parse.Damaged
	}
	ev.Stage, ev.Kind = stage, mail.Reject
	setReply(cutTail(rest, ev), ev)
	if accepted {
		ev.Kind, ev.Child = mail.FilterResult, queuedAs(ev.Reply)
	}
	return parse.Parsed
}

// tls parses "Anonymous TLS connection established from NA: TLSv1.3 with cipher …" (tls/tls_misc.c). The first word is there
// since 2.5. With "to" it is the client side, and NA a relay.
func tls(body string, ev *mail.Event) parse.Verdict {
	if body == "" {
		return parse.Unfamiliar
	}
	rest := body
	switch body[0] {
	case 'A':
		const usual = "Anonymous TLS connection established from " // few servers ask clients for certificates
		if client, ok := strings.CutPrefix(body, usual); ok {
			return encrypted(client, ev)
		}
		rest = strings.TrimPrefix(rest, "Anonymous ")
	case 'U':
		rest = strings.TrimPrefix(rest, "Untrusted ")
	case 'T':
		rest = strings.TrimPrefix(rest, "Trusted ")
	case 'V':
		rest = strings.TrimPrefix(rest, "Verified ")
	default:
		return parse.Unfamiliar
	}
	rest, ok := strings.CutPrefix(rest, "TLS connection ")
	if !ok {
		return parse.Unfamiliar
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "established "), "reused ")
	if client, ok := strings.CutPrefix(rest, "from "); ok {
		return encrypted(client, ev)
	}
	if rest, ok = cutRelay(strings.TrimPrefix(rest, "to "), ev); !ok {
		if ev.Relay, rest, ok = bareRelay(rest); !ok {
			return parse.Damaged
		}
	}
	return cipher(rest, ev)
}

// bareRelay cuts a server's name off the front, which until 2.3 had no address: "mx.example.com: TLSv1 with cipher …".
func bareRelay(s string) (name, rest string, ok bool) {
	i := strings.IndexByte(s, ':')
	if i <= 0 || strings.ContainsAny(s[:i], " [") { // an address that was damaged
		return "", s, false
	}
	return s[:i], s[i:], true
}

// encrypted parses what follows "TLS connection established from ".
func encrypted(client string, ev *mail.Event) parse.Verdict {
	rest, ok := cutClient(client, ev)
	if !ok {
		return parse.Damaged
	}
	return cipher(rest, ev)
}

// uncertified cuts what is wrong with the other side's certificate off the front: "CA certificate verification failed for NA:
// certificate has expired" (tls/tls_verify.c), for a client, too, if smtpd asks for one.
func uncertified(body string) (peer string, ok bool) {
	const failed = "certificate verification failed for "
	for _, what := range [...]string{failed, "CA " + failed, "server " + failed, "client " + failed, "certificate peer name verification failed for "} {
		if peer, ok := strings.CutPrefix(body, what); ok {
			return peer, true
		}
	}
	return "", false
}

// cipher parses "⟨ to SNI⟩: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) …".
func cipher(s string, ev *mail.Event) parse.Verdict {
	s, ok := strings.CutPrefix(s, ": ")
	if !ok {
		if _, s, ok = strings.Cut(s, ": "); !ok {
			return parse.Damaged
		}
	}
	version, rest, ok := strings.Cut(s, " with cipher ")
	if !ok {
		return parse.Damaged
	}
	ev.Kind, ev.TLS, ev.Text = mail.TLS, version, rest
	return parse.Parsed
}
