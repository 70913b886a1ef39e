package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// action parses the family "QID: ACTION: STAGE from NA: TEXT; from=<…> to=<…> proto=… helo=<…>" of smtpd/smtpd_check.c,
// smtpd/smtpd_milter.c, cleanup/cleanup_milter.c and postscreen/postscreen_smtpd.c.
//
// It is cut from both ends and never searched: TEXT contains addresses as the client wrote them, without quotes, and so may
// contain a whole tail of the client's making. See cutTail.
func action(id, rest string, ev *mail.Event) parse.Verdict {
	word, rest, ok := strings.Cut(rest, ": ")
	if !ok {
		return parse.Unfamiliar
	}
	kind, flags, ok := actionKind(word)
	if !ok {
		return parse.Unfamiliar
	}
	stage, rest, ok := strings.Cut(rest, " ")
	if !ok || !stageWord(stage) {
		return parse.Unfamiliar
	}
	setID(id, ev)
	rest, ok = strings.CutPrefix(rest, "from ")
	if !ok {
		return parse.Damaged
	}
	if rest, ok = cutClient(rest, ev); !ok {
		return parse.Damaged
	}
	if rest, ok = strings.CutPrefix(rest, ": "); !ok {
		return parse.Damaged
	}
	ev.Kind, ev.Stage = kind, upperStage(stage)
	ev.Flags |= flags
	if word == "abort" { // TLS from NA: No client certificate presented
		ev.Flags |= mail.NoSender
	} else {
		rest = cutTail(rest, ev)
	}
	setReply(rest, ev)
	return parse.Parsed
}

// actionKind returns what an action means. filter, redirect, bcc, warn, info and permit do not change whether the message is
// accepted: they are remarks of an access table or a milter.
func actionKind(word string) (kind mail.Kind, flags mail.Flags, ok bool) {
	switch word {
	case "reject", "milter-reject", "hangup", "abort":
		return mail.Reject, 0, true
	case "reject_warning":
		return mail.Reject, mail.WarnOnly, true
	case "hold", "milter-hold":
		return mail.Hold, 0, true
	case "discard", "milter-discard":
		return mail.Discard, 0, true
	case "filter", "redirect", "bcc", "warn", "info", "permit", "prepend", "delay", "replace":
		return mail.FilterResult, 0, true
	}
	return mail.Other, 0, false
}

// stageWord reports whether a word is a stage of the session: "RCPT", "END-OF-MESSAGE"; postscreen has "connect".
func stageWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'A' > 'Z'-'A' && c != '-' {
			return s == "connect"
		}
	}
	return s != ""
}

func upperStage(s string) string {
	if s == "connect" {
		return "CONNECT"
	}
	return s
}

// longestTail is more than any line of Postfix has, which cuts them at 2000 bytes: Postfix did not write a longer one, which is
// not worth trying in all readings.
const longestTail = 16 << 10

// cutTail cuts the tail off a text, keeps its fields, and returns what is before it. The stage, in ev.Stage, tells which fields
// there can be (smtpd_check.c, log_whatsup): no sender or recipient before MAIL, whatever the text says.
func cutTail(s string, ev *mail.Event) (text string) {
	var ok bool
	switch {
	case len(s) > longestTail:
		text = s
	case ev.Daemon == "postscreen":
		text, ok = cutCommaTail(s, ev)
	case ev.Stage == "HELO" || ev.Stage == "EHLO":
		ev.Flags |= mail.NoSender
		text, ok = cutGreetingTail(s, ev)
	default:
		text, ok = cutBlankTail(s, ev)
	}
	if !ok {
		ev.Flags |= mail.NoSender | mail.Incomplete
		return s
	}
	return text
}

// cutCommaTail cuts postscreen's tail, "; from=<…>, to=<…>, proto=…, helo=<…>". The text before it is postscreen's own, so the
// first "; from=<" begins the tail; HELO is as the client sent it, and ends with the line.
func cutCommaTail(s string, ev *mail.Event) (text string, ok bool) {
	text, rest, ok := strings.Cut(s, "; from=")
	if !ok { // too many connections, all server ports busy: there is no tail at all
		ev.Flags |= mail.NoSender
		if ev.Stage == "CONNECT" {
			ev.Flags |= mail.Temporary
		}
		return s, true
	}
	from, rest, ok := cutAddressBefore(rest, ", to=<")
	if !ok {
		return s, false
	}
	to, rest, ok := cutAddressBefore(strings.TrimPrefix(rest, ", to="), ", proto=")
	if !ok {
		return s, false
	}
	proto, helo, ok := strings.Cut(strings.TrimPrefix(rest, ", proto="), ", helo=<")
	if !ok || !strings.HasSuffix(helo, ">") {
		return s, false
	}
	ev.Sender, ev.Recipient, ev.Protocol, ev.Client.HELO = mail.SenderOf(from), to, proto, helo[:len(helo)-1]
	return text, true
}

// cutAddressBefore cuts "<ADDR>" off the front, if next follows.
func cutAddressBefore(s, next string) (address, rest string, ok bool) {
	address, rest, ok = cutAddress(s)
	if ok && strings.HasPrefix(rest, next) || s == "" || s[0] != '<' {
		return address, rest, ok
	}
	end := strings.Index(s, next) // before 3.5 an address was not quoted
	if end < 2 || s[end-1] != '>' {
		return "", s, false
	}
	return s[1 : end-1], s[end:], true
}

// cutGreetingTail cuts "; proto=SMTP helo=<…>". At this stage HELO is as the client sent it, and most texts begin with it, too:
// "501 5.5.2 <HELO>: Helo command rejected: Invalid name; proto=SMTP helo=<HELO>". The tail is the one with the same HELO as at
// the beginning of the text; if there is none, the text is our own, and the first tail counts.
func cutGreetingTail(s string, ev *mail.Event) (text string, ok bool) {
	_, said := cutCode(s)
	_, said = cutDSN(said)
	from, first := 0, -1
	for range 16 { // tails that a HELO of 512 bytes can hold
		i := strings.Index(s[from:], "; proto=")
		if i < 0 {
			break
		}
		i += from
		from = i + 1
		_, helo, ok := greeting(s[i:])
		if !ok {
			continue
		}
		if first < 0 {
			first = i
		}
		if rest, ok := strings.CutPrefix(said, "<"); ok && strings.HasPrefix(rest, helo) && strings.HasPrefix(rest[len(helo):], ">") {
			first = i
			break
		}
	}
	if first < 0 {
		return s, false
	}
	ev.Protocol, ev.Client.HELO, _ = greeting(s[first:])
	return s[:first], true
}

// greeting parses "; proto=SMTP" or "; proto=SMTP helo=<…>" up to the end of the line.
func greeting(s string) (proto, helo string, ok bool) {
	proto, helo, ok = strings.Cut(s[len("; proto="):], " helo=<")
	if proto != "SMTP" && proto != "ESMTP" {
		return "", "", false
	}
	if !ok {
		return proto, "", true
	}
	return proto, strings.TrimSuffix(helo, ">"), strings.HasSuffix(helo, ">")
}

// cutBlankTail cuts smtpd's tail from the right, field by field.
func cutBlankTail(s string, ev *mail.Event) (text string, ok bool) {
	method, account := "", ""
	helo, rest, ok := cutHELO(s)
	if !ok {
		helo, rest, method, account = cutLogin(s)
	}
	proto, rest, ok := cutProtocol(rest)
	if !ok {
		return s, false
	}
	e := envelope{}
	if envelopeStage(ev.Stage) {
		e, ok = cutEnvelope(rest)
	} else {
		e.text, ok = strings.CutSuffix(rest, ";")
	}
	if !ok {
		return s, false
	}
	ev.Client.HELO, ev.Protocol, ev.AuthMethod, ev.Account = helo, proto, method, account
	ev.Recipient = e.to
	if e.hasFrom {
		ev.Sender = mail.SenderOf(e.from)
	} else {
		ev.Flags |= mail.NoSender
	}
	return e.text, true
}

// envelopeStage reports whether there can be a sender at the stage.
func envelopeStage(stage string) bool {
	switch stage {
	case "MAIL", "RCPT", "VRFY", "DATA", "BDAT", "END-OF-MESSAGE", "":
		return true
	}
	return false
}

// cutHELO cuts " helo=<…>" off the end. From MAIL on, blanks and <>();"\@ in a HELO are masked (smtpd.c, mask_addr), so the last
// "<" of the line begins it.
func cutHELO(s string) (helo, rest string, ok bool) {
	if !strings.HasSuffix(s, ">") {
		return "", s, false
	}
	open := strings.LastIndexByte(s, '<')
	if open < 0 || !strings.HasSuffix(s[:open], " helo=") {
		return "", s, false
	}
	return s[open+1 : len(s)-1], s[:open-len(" helo=")], true
}

// cutProtocol cuts " proto=ESMTP" off the end. Before 2.0 there was none; any other word means that the line was cut.
func cutProtocol(s string) (proto, rest string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 || !strings.HasPrefix(s[i:], " proto=") {
		return "", s, true
	}
	switch proto = s[i+len(" proto="):]; proto {
	case "SMTP", "ESMTP", "QMQP":
		return proto, s[:i], true
	}
	return "", s, false
}

// cutLogin cuts the account, and the HELO before it, off the end: " sasl_username=<…>" of milter and proxy lines (3.2), or "
// sasl_method=… sasl_username=… sasl_sender=…" (3.10). These are foreign text; they are recognised because they follow a HELO.
func cutLogin(s string) (helo, rest, method, account string) {
	end := len(s)
	for range 8 {
		i := strings.LastIndex(s[:end], "> sasl_")
		if i < 0 {
			break
		}
		if helo, rest, ok := cutHELO(s[:i+1]); ok && strings.IndexByte(helo, '>') < 0 { // it is masked; the ">" was another's
			method, account = login(s[i+1:])
			return helo, rest, method, account
		}
		end = i
	}
	return "", s, "", ""
}

func login(block string) (method, account string) {
	if m, ok := strings.CutPrefix(block, " sasl_method="); ok {
		method, _, _ = strings.Cut(m, " ")
		block = m[len(method):]
	}
	account, ok := strings.CutPrefix(block, " sasl_username=")
	if !ok {
		return method, ""
	}
	if method == "" && strings.HasPrefix(account, "<") {
		return "", strings.TrimSuffix(account[1:], ">")
	}
	account, _, _ = strings.Cut(account, " sasl_sender=")
	return method, account
}

// envelope is the sender and recipient of a tail, and the text before them.
type envelope struct {
	text, from, to string
	hasFrom        bool
}

// cutEnvelope cuts "; from=<…> to=<…>" off the end; either may be missing. Before 3.5, when addresses were not quoted, a line may
// be read in several ways: preferably so that both addresses are well-formed, else so that the sender is, else in any way.
func cutEnvelope(s string) (e envelope, ok bool) {
	if e.text, ok = strings.CutSuffix(s, ";"); ok {
		return e, true
	}
	if e, ok = cutPlainEnvelope(s); ok {
		return e, true
	}
	for _, strict := range [...]struct{ from, to bool }{{true, true}, {true, false}, {false, false}} {
		if e, ok = cutBoth(s, strict.from, strict.to); ok {
			return e, true
		}
		if e, ok = cutSender(s, strict.from); ok {
			return e, true
		}
	}
	return e, false
}

// cutPlainEnvelope is cutEnvelope for two addresses without quotes and angle brackets, as nearly all have: they can be read in one way
// only.
func cutPlainEnvelope(s string) (e envelope, ok bool) {
	to, rest := cutPlainAddress(s)
	if rest, ok = strings.CutSuffix(rest, " to="); !ok {
		return e, false
	}
	from, rest := cutPlainAddress(rest)
	if rest, ok = strings.CutSuffix(rest, "; from="); !ok {
		return e, false
	}
	return envelope{text: rest, from: from, to: to, hasFrom: true}, true
}

// cutPlainAddress cuts "<ADDR>" off the end; rest is "" if there is none, or another quote or angle bracket in it.
func cutPlainAddress(s string) (address, rest string) {
	if !strings.HasSuffix(s, ">") {
		return "", ""
	}
	for i := len(s) - 2; i >= 0; i-- {
		if s[i] > '>' {
			continue // none of the three: a letter, mostly
		}
		switch s[i] {
		case '<':
			return s[i+1 : len(s)-1], s[:i]
		case '>', '"':
			return "", ""
		}
	}
	return "", ""
}

// candidates is how many addresses are tried at most: an address of RFC 5321's length contains no more keys.
const candidates = 16

// cutBoth cuts a recipient, and the sender or the semicolon before it. Every place where the recipient could begin is tried, from
// the right.
func cutBoth(s string, strictFrom, strictTo bool) (e envelope, ok bool) {
	end := len(s)
	for range candidates {
		i := startOf(s, " to=", end)
		if i < 0 {
			break
		}
		to := s[i+len(" to=<") : len(s)-1]
		if !strictTo || wellFormed(to) {
			if text, ok := strings.CutSuffix(s[:i], ";"); ok {
				return envelope{text: text, to: to}, true
			}
			if e, ok := cutSender(s[:i], strictFrom); ok {
				e.to = to
				return e, true
			}
		}
		end = i
	}
	return e, false
}

// cutSender cuts the sender and the semicolon.
func cutSender(s string, strict bool) (e envelope, ok bool) {
	end := len(s)
	for range candidates {
		i := startOf(s, " from=", end)
		if i < 0 {
			break
		}
		from := s[i+len(" from=<") : len(s)-1]
		if text, ok := strings.CutSuffix(s[:i], ";"); ok && (!strict || wellFormed(from)) {
			return envelope{text: text, from: from, hasFrom: true}, true
		}
		end = i
	}
	return e, false
}

// wellFormed reports whether an address has no angle bracket outside of quotes, and closes its quotes.
func wellFormed(address string) bool {
	if strings.HasPrefix(address, `"`) {
		n := quoted(address)
		if n == 0 {
			return false
		}
		address = address[n:]
	}
	return strings.IndexByte(address, '<') < 0 && strings.IndexByte(address, '>') < 0
}

// startOf returns where " key=<ADDR>" begins, if s ends with it and it begins before end; -1: it does not. An address with a
// quoted local part begins at the last ` key=<"`, because within it every quote has a backslash before it. Other addresses
// contain no "<" since 3.5; before, the nearest key is tried first.
func startOf(s, key string, end int) int {
	if !strings.HasSuffix(s, ">") {
		return -1
	}
	open := strings.LastIndexByte(s[:end], '<')
	if open >= 0 && strings.HasSuffix(s[:open], key) && strings.IndexByte(s[open+1:len(s)-1], '"') < 0 {
		return open - len(key)
	}
	if quotedLocal(s) {
		for i := strings.LastIndex(s[:end], key); i >= 0; i = strings.LastIndex(s[:i], key) {
			if strings.HasPrefix(s[i+len(key):], `<"`) {
				return i
			}
		}
	}
	i := strings.LastIndex(s[:end], key)
	if i < 0 || !strings.HasPrefix(s[i+len(key):], "<") {
		return -1
	}
	return i
}

// quotedLocal reports whether the address at the end of s has a quoted local part: `"@domain>` or `">`.
func quotedLocal(s string) bool {
	i := len(s) - 2
	for ; i >= 0 && domainByte(s[i]); i-- {
	}
	if i >= 0 && s[i] == '@' {
		i--
	}
	return i >= 0 && s[i] == '"'
}

// domainByte reports whether what a client gives as a domain may contain the byte: hardly anything is refused before it is logged.
func domainByte(c byte) bool {
	return c > ' ' && c != '"' && c != '<' && c != '>' && c != '@'
}
